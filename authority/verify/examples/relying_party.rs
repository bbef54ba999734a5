//! A server that accepts Jitsuin's logins, in one file and without a framework. It speaks plain HTTP on loopback: a
//! reverse proxy with TLS stands before it, at the origin that is given.
//!
//! ```sh
//! cargo run -p jitsuin-verify --example relying_party -- \
//!     https://shop.example 1635 root.pem issuing.pem list.crl 127.0.0.1:8080
//! ```
//!
//! `list.crl` (DER) is fetched by somebody else, for example every minute with curl from where the certificates say it is.
//! It is read at each login, and may be 24 hours old. `tests/tests/relying_party.rs` runs this server beside an authority.
//!
//! | request | answer |
//! |---|---|
//! | `POST /challenge` | the challenge, and a cookie with the browser's session |
//! | `POST /login`, the token as body | who logged in, or 403 and why |

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jitsuin_verify::{Challenge, ChallengeStore, Challenges, Evidence, Origin, Party, RevocationList, Verifier};

/// Longest body and longest header, in bytes.
const MAX_BODY: u64 = 32 * 1024;
const MAX_HEAD: u64 = 16 * 1024;

struct Server {
    verifier: Verifier,
    challenges: Challenges,
    list: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [origin, institution, root, issuing, list, listen] = arguments.as_slice() else {
        return Err("usage: relying_party ORIGIN INSTITUTION ROOT.pem ISSUING.pem LIST.crl ADDRESS".into());
    };
    let party = Party::new(Origin::new(origin)?, institution.parse()?).trust(pem(root)?).know(pem(issuing)?);
    let server =
        Server { verifier: Verifier::new(party)?, challenges: Challenges::new(10_000, 300), list: list.into() };
    let listener = TcpListener::bind(listen)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        if let Err(error) = server.serve(stream) {
            eprintln!("a request failed: {error}");
        }
    }
    Ok(())
}

impl Server {
    fn serve(&self, mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
        let (first, session, body) = read(&stream)?;
        let (status, cookie, text) = match first.split(' ').take(2).collect::<Vec<_>>().as_slice() {
            ["POST", "/challenge"] => {
                let session = Challenge::from_bytes(&random()?)?.as_str().to_owned();
                let challenge = Challenge::from_bytes(&random()?)?;
                self.challenges.put(&session, &challenge, now())?;
                ("200 OK", Some(session), challenge.as_str().to_owned())
            }
            ["POST", "/login"] => match self.log_in(session.as_deref().unwrap_or_default(), &body) {
                Ok(who) => ("200 OK", None, who),
                Err(reason) => ("403 Forbidden", None, reason.to_string()),
            },
            _ => ("404 Not Found", None, "POST /challenge or /login".to_owned()),
        };
        let cookie = cookie.map_or_else(String::new, |session| {
            format!("set-cookie: __Host-session={session}; Path=/; Secure; HttpOnly; SameSite=Strict\r\n")
        });
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n{cookie}\
             cache-control: no-store\r\nconnection: close\r\n\r\n{text}"
        )?;
        Ok(())
    }

    fn log_in(&self, session: &str, token: &str) -> Result<String, Box<dyn Error>> {
        let list = RevocationList::from_der(&std::fs::read(&self.list)?)?;
        let evidence = Evidence { lists: vec![list], ..Evidence::default() };
        let login = self.verifier.log_in(&self.challenges, session, token, &evidence, now())?;
        Ok(login.subject.to_string())
    }
}

/// The request line, the session's cookie, and the body.
fn read(stream: &TcpStream) -> Result<(String, Option<String>, String), Box<dyn Error>> {
    let mut reader = BufReader::new(stream.take(MAX_HEAD + MAX_BODY));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut session) = (0, None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "cookie" => {
                let found = value.split(';').find_map(|pair| pair.trim().strip_prefix("__Host-session="));
                session = found.map(str::to_owned);
            }
            _ => {}
        }
    }
    if length > MAX_BODY {
        return Err("the body is too long".into());
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    Ok((first, session, body))
}

fn random() -> Result<[u8; 32], Box<dyn Error>> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn pem(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let text = std::fs::read(path)?;
    let (label, der) = der::pem::decode_vec(&text).map_err(|error| format!("{path}: {error}"))?;
    if label == "CERTIFICATE" { Ok(der) } else { Err(format!("{path} is not a certificate").into()) }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
