//! The official install script: fetched once, through the first server, and then the same bytes
//! for every host and every later run.

use std::ops::ControlFlow;

use crate::bundle::MOST_INSTALLER;
use crate::events::Stream;
use crate::plan::Late;
use crate::platform::PRELUDE;
use crate::remote::{RemoteError, Script};
use crate::topology::Proxy;

use super::{Site, Trouble};
use crate::engine::sha256;
use crate::events::Outcome;

const FETCH: &str = include_str!("../../../assets/remote/fetch.sh");

pub(super) fn fetch(
    site: &mut Site<'_, '_>,
    url: &str,
    pinned: Option<&str>,
    proxy: Option<&Proxy>,
) -> Result<Outcome, Trouble> {
    let state_says = |error: crate::state::StateError| Trouble::because(error.to_string());
    let kept = site
        .run
        .memory
        .folder
        .install_script()
        .map_err(state_says)?;
    if let Some(script) = kept {
        let sum = sha256(&script);
        let is_kept = site.run.memory.state().install_sha256.as_ref() == Some(&sum);
        if is_kept && pinned.is_none_or(|pinned| pinned.eq_ignore_ascii_case(&sum)) {
            bind(site, &script, &sum)?;
            return Ok(Outcome::Unchanged);
        }
    }

    let script = match site.run.bundle {
        Some(bundle) => bundle
            .installer()
            .map_err(|error| Trouble::because(error.to_string()))?,
        None => download(site, url, proxy)?,
    };
    let sum = sha256(&script);
    if let Some(pinned) = pinned
        && !pinned.eq_ignore_ascii_case(&sum)
    {
        return Err(Trouble::because(format!(
            "the install script from {url} has the SHA-256 {sum}, but the answers pin {pinned} \
             (k3s.install_sha256). Read the new one, and pin it if it is good"
        )));
    }
    // Something answered, but a login page or an error is no script.
    if !(script.starts_with(b"#!") && contains(&script, b"INSTALL_K3S_VERSION")) {
        return Err(Trouble::because(format!(
            "what comes from {url} is not the install script of K3s. Is there a proxy in between?"
        )));
    }
    let folder = site.run.memory.folder;
    folder.save_install_script(&script).map_err(state_says)?;
    site.run
        .memory
        .change(|state| state.install_sha256 = Some(sum.clone()))
        .map_err(state_says)?;
    bind(site, &script, &sum)?;
    site.proved(
        "SHA-256 of the install script",
        "is the one kept",
        sum,
        true,
    )?;
    Ok(Outcome::Done)
}

fn bind(site: &Site<'_, '_>, script: &[u8], sum: &str) -> Result<(), Trouble> {
    let text = String::from_utf8(script.to_vec())
        .map_err(|_| Trouble::because("the install script is not UTF-8"))?;
    site.bind(Late::Installer, text.into());
    site.bind(Late::InstallerSha256, sum.to_owned().into());
    Ok(())
}

/// Its very bytes: they are hashed.
fn download(site: &mut Site<'_, '_>, url: &str, proxy: Option<&Proxy>) -> Result<Vec<u8>, Trouble> {
    let program = Script::new(PRELUDE)
        .then(FETCH)
        .input("URL", url)
        .input("LIMIT", "120")
        .inputs(proxy.into_iter().flat_map(Proxy::inputs));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status: Result<i32, RemoteError> =
        site.remote
            .stream(&program, site.step.limit, &mut |stream, bytes| {
                if out.len() + err.len() + bytes.len() > MOST_INSTALLER {
                    let why = format!(
                        "{url} has more than {MOST_INSTALLER} bytes: it is no install script"
                    );
                    return ControlFlow::Break(why);
                }
                match stream {
                    Stream::Out => &mut out,
                    Stream::Err => &mut err,
                }
                .extend_from_slice(bytes);
                ControlFlow::Continue(())
            });
    match status? {
        0 => Ok(out),
        status => {
            let lines: Vec<_> = String::from_utf8_lossy(&err)
                .lines()
                .map(str::to_owned)
                .collect();
            let why = format!(
                "{} cannot fetch {url} (status {status}). Does it reach that address, and does a \
                 proxy have to be set?",
                site.host
            );
            Err(Trouble::because(why).with_lines(lines))
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
