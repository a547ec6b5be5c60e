// SPDX-License-Identifier: GPL-2.0

//! `export`: metrics for Prometheus, over HTTP or as a file for its node exporter.

use crate::error::{Error, Result};
use crate::file::replace;
use crate::metrics::metrics;
use crate::output;
use crate::root::Root;
use std::io::{self, ErrorKind, Read, Write};
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
    replace(file, metrics(root)?.as_bytes())
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
    send(&mut stream, (head + &text).as_bytes())
}

/// Sends an answer. Errors: `TimedOut`, also for a peer that takes it byte by byte.
fn send(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    while !bytes.is_empty() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left))?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
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
    use std::fs;

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
    fn a_file_has_the_metrics() {
        let machine = Machine::captured();
        let file = machine.put("out/flowbucket.prom", "old");
        textfile(&machine.root(), &file).unwrap();
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            metrics(&machine.root()).unwrap()
        );
    }

    #[test]
    fn who_reads_slowly_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut reader = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let slow = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while reader.read(&mut buffer).is_ok_and(|count| count > 0) {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let start = Instant::now();
        let error = send(&mut stream, &vec![0; 1 << 28]).unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::TimedOut | ErrorKind::WouldBlock
        ));
        assert!(start.elapsed() < 2 * PATIENCE);
        drop(stream);
        slow.join().unwrap();
    }
}
