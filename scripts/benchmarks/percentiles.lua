-- SPDX-License-Identifier: GPL-2.0
-- Has wrk tell percentiles of latency, in microseconds, as JSON.
done = function(summary, latency, requests)
	io.write(string.format('percentiles {"p50": %d, "p99": %d, "p999": %d}\n',
		latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
