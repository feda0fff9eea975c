//! What this machine itself sees of the API endpoint, without a host in between: as the operator's
//! kubectl does.

use std::fmt::Display;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use crate::address::Endpoint;
use crate::https::http::HttpConnection;
use crate::https::tls;
use crate::proof::balancer::{self, BalancerVerdict, LONGEST_ANSWER};

/// How long this machine waits for a connection, and for an answer.
const ANSWER: Duration = Duration::from_secs(3);

/// Asks `/ping` once.
pub(super) fn ping(at: &Endpoint, ca_pem: &str) -> BalancerVerdict {
    let name = at.name.to_string();
    match connect(at) {
        Ok(stream) => balancer::prove(&name, ca_pem, stream),
        Err(error) => BalancerVerdict::unreached(&name, &error),
    }
}

/// What became of a connection on which nothing was said, such as that of `kubectl logs --follow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleEnd {
    /// It was served afterwards.
    Kept,
    /// The other side ended it after this time.
    Ended(Duration),
    /// The other side did not end it, but serves it no more.
    Forgotten,
}

/// Asks for `/ping`, says nothing for so long, and asks again. The error is why the first question had no
/// answer.
pub fn idle(at: &Endpoint, ca_pem: &str, silence: Duration) -> Result<IdleEnd, String> {
    let stream = connect(at).map_err(|error| error.to_string())?;
    idle_on(&stream, &at.name.to_string(), ca_pem, silence)
}

fn idle_on(
    stream: &TcpStream,
    name: &str,
    ca_pem: &str,
    silence: Duration,
) -> Result<IdleEnd, String> {
    let told = |why: &dyn Display| why.to_string();
    let tls = tls::connect(stream, name, ca_pem, None).map_err(|error| told(&error))?;
    let mut connection = HttpConnection::new(tls, name);
    let ping = |connection: &mut HttpConnection<_>| connection.get("/ping", LONGEST_ANSWER);
    ping(&mut connection).map_err(|error| told(&error))?;
    let began = Instant::now();
    let waits = |time| stream.set_read_timeout(Some(time));
    waits(silence).map_err(|error| told(&error))?;
    if connection.ends() {
        return Ok(IdleEnd::Ended(began.elapsed()));
    }
    waits(ANSWER).map_err(|error| told(&error))?;
    Ok(match ping(&mut connection) {
        Ok(_) => IdleEnd::Kept,
        Err(_) => IdleEnd::Forgotten,
    })
}

fn connect(at: &Endpoint) -> io::Result<TcpStream> {
    let place = (at.name.to_string().as_str(), at.port)
        .to_socket_addrs()?
        .next();
    let place = place.ok_or_else(|| io::Error::other("the name has no address"))?;
    let stream = TcpStream::connect_timeout(&place, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::api::tests::answering;

    /// What becomes of a connection to a server that ends it after so many answers.
    fn after(answers: usize, silence: Duration) -> Result<IdleEnd, String> {
        let (stream, ca_pem) = answering(answers);
        idle_on(&stream, "127.0.0.1", &ca_pem, silence)
    }

    #[test]
    fn a_connection_is_kept_or_ended() {
        assert_eq!(after(2, Duration::from_millis(300)), Ok(IdleEnd::Kept));
        let long = Duration::from_secs(60);
        let ended = after(1, long);
        assert!(
            matches!(ended, Ok(IdleEnd::Ended(time)) if time < long),
            "{ended:?}"
        );
        assert!(after(0, long).is_err());
    }
}
