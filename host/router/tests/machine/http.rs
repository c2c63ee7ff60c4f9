//! As much HTTP as these tests need, over connections that they hold themselves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(it, _)| *it == name).map(|(_, value)| value)
    }
}

/// Asks over `connection`, which serves on, and reads the answer to its end.
pub(crate) fn get(connection: &mut TcpStream, path: &str) -> Answer {
    write!(connection, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    read(connection)
}

/// The same, with a key.
pub(crate) fn get_with(connection: &mut TcpStream, key: &str, path: &str) -> Answer {
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"
    )
    .unwrap();
    read(connection)
}

/// Asks for a chat completion.
pub(crate) fn chat(connection: &mut TcpStream) -> Answer {
    send_chat(connection, false);
    read(connection)
}

pub(crate) fn send_chat(connection: &mut TcpStream, streaming: bool) {
    let body = format!(
        "{{\"model\":\"test/model\",\"stream\":{streaming},\
         \"messages\":[{{\"role\":\"user\",\"content\":\"Hi\"}}]}}"
    );
    let length = body.len();
    write!(
        connection,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

/// Asks with a key for a chat completion of a few tokens.
pub(crate) fn chat_with(connection: &mut TcpStream, key: &str) -> Answer {
    send_chat_with(connection, key);
    read(connection)
}

pub(crate) fn send_chat_with(connection: &mut TcpStream, key: &str) {
    const BODY: &str = r#"{"model":"test/model","max_tokens":10,
        "messages":[{"role":"user","content":"Hi"}]}"#;
    write!(
        connection,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    )
    .unwrap();
}

/// Reads an answer: of declared length, or in chunks.
pub(crate) fn read(connection: &mut TcpStream) -> Answer {
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "no whole head: {head}");
    }
    let head = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = Vec::new();
    if let Some((_, rest)) = head.split_once("content-length: ") {
        let length = rest.lines().next().unwrap().parse().unwrap();
        reader.take(length).read_to_end(&mut body).unwrap();
    } else {
        read_chunks(&mut reader, &mut body);
    }
    Answer { status, head, body: String::from_utf8(body).unwrap() }
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let length = u64::from_str_radix(line.trim(), 16).unwrap();
        reader.take(length).read_to_end(body).unwrap();
        reader.read_line(&mut String::new()).unwrap();
        if length == 0 {
            return;
        }
    }
}
