// SPDX-License-Identifier: GPL-2.0

//! `export`: metrics for Prometheus, over HTTP or as a file for its node exporter.

use crate::error::{Error, Result};
use crate::metrics::metrics;
use crate::output;
use crate::root::Root;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// The most bytes that a request may have.
const REQUEST: usize = 8192;

/// How long a request may take to come in, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prints the metrics.
pub(crate) fn print(root: &Root) -> Result {
    output::text(&metrics(root)?)
}

/// Writes the metrics into a file; who reads it sees the old text or the new.
pub(crate) fn textfile(root: &Root, file: &Path) -> Result {
    let text = metrics(root)?;
    // The node exporter reads what ends in .prom only.
    let mut new = file.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, file))
        .map_err(|e| {
            let _ = fs::remove_file(&new);
            Error::io(&format!("writing {}", file.display()), &e)
        })
}

/// Answers requests for the metrics, one after the other, until it is ended.
pub(crate) fn listen(root: &Root, address: SocketAddr) -> Result {
    root.check_loaded()?;
    let failed = |e: &io::Error| Error::io(&format!("listening on {address}"), e);
    let listener = TcpListener::bind(address).map_err(|e| failed(&e))?;
    let bound = listener.local_addr().map_err(|e| failed(&e))?;
    output::text(&format!("listening on http://{bound}/metrics\n"))?;
    for stream in listener.incoming() {
        // One peer that goes away is no reason to end; nor is an accept() that fails, but it must
        // not be tried again without a pause.
        match stream {
            Ok(stream) => drop(answer(stream, root)),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    Ok(())
}

/// Answers the request on a connection.
fn answer(mut stream: TcpStream, root: &Root) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = head(&mut stream)?;
    let (status, text) = match request.as_deref().map(route) {
        None => ("400 Bad Request", "not a request\n".to_owned()),
        Some(Err(status)) => (status, format!("{status}; GET /metrics is all there is\n")),
        Some(Ok(())) => match metrics(root) {
            Ok(text) => ("200 OK", text),
            Err(error) => ("503 Service Unavailable", format!("{error}\n")),
        },
    };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all((head + &text).as_bytes())
}

/// The head of a request; `None` if it is too long, too slow, or ends too early.
fn head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let end = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || request.len() > REQUEST {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return Ok(None),
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(Some(String::from_utf8_lossy(&request).into_owned()))
}

/// Whether a request is for the metrics. Errors: the status that says why not.
fn route(request: &str) -> std::result::Result<(), &'static str> {
    let mut words = request.lines().next().unwrap_or_default().split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("GET"), Some(target), Some("HTTP/1.0" | "HTTP/1.1")) => {
            match target.split('?').next() {
                Some("/metrics") => Ok(()),
                _ => Err("404 Not Found"),
            }
        }
        (Some(_), Some(_), Some("HTTP/1.0" | "HTTP/1.1")) => Err("405 Method Not Allowed"),
        _ => Err("400 Bad Request"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;

    #[test]
    fn only_the_metrics_are_served() {
        assert_eq!(route("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), Ok(()));
        assert_eq!(route("GET /metrics?x=1 HTTP/1.0\r\n\r\n"), Ok(()));
        assert_eq!(route("GET / HTTP/1.1\r\n\r\n"), Err("404 Not Found"));
        assert_eq!(
            route("POST /metrics HTTP/1.1\r\n\r\n"),
            Err("405 Method Not Allowed")
        );
        assert_eq!(route("GET /metrics"), Err("400 Bad Request"));
        assert_eq!(route(""), Err("400 Bad Request"));
    }

    #[test]
    fn a_file_is_replaced_at_once() {
        let machine = Machine::captured();
        let file = machine.put("out/flowbucket.prom", "old");
        textfile(&machine.root(), &file).unwrap();
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            metrics(&machine.root()).unwrap()
        );
        assert_eq!(fs::read_dir(machine.path("out")).unwrap().count(), 1);
        let nowhere = machine.path("none/flowbucket.prom");
        assert_eq!(textfile(&machine.root(), &nowhere).unwrap_err().status(), 1);
    }
}
