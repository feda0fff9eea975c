//! Asking for more of one object. Names come from a host: they reach a path only if they are names.

use std::io::{Read, Write};

use super::{Api, ApiError, LONGEST_OBJECT};
use crate::cluster::details::{
    Details, EventJson, LogRequest, LogTail, ObjectEvent, ObjectName, add_node, events,
    is_unhealthy, log_request, log_tail, of_pod,
};
use crate::cluster::objects::{ListPage, NodeJson, PodJson};

/// How much of a log is asked for.
const LONGEST_LOG: usize = 64 * 1024;
/// How many lines of it.
const LOG_LINES: usize = 40;
/// How many events of a pod are listed; Kubernetes forgets them after an hour.
const EVENTS: usize = 200;
/// No name in Kubernetes is longer (RFC 1123).
const LONGEST_NAME: usize = 253;

impl<S: Read + Write> Api<S> {
    /// What an operator looks at when the object is unhealthy. What cannot be asked is named.
    pub(crate) fn details(&mut self, object: &ObjectName) -> Result<Details, ApiError> {
        match object {
            ObjectName::Node(name) => Ok(Details::of_node(&self.node(name)?)),
            ObjectName::Pod { namespace, name } => {
                let (namespace, name) = (named(namespace)?, named(name)?);
                self.pod(&format!("/api/v1/namespaces/{namespace}"), name)
            }
        }
    }

    fn node(&mut self, name: &str) -> Result<NodeJson, ApiError> {
        self.one(&format!("/api/v1/nodes/{}", named(name)?))
    }

    fn pod(&mut self, namespace: &str, name: &str) -> Result<Details, ApiError> {
        let pod: PodJson = self.one(&format!("{namespace}/pods/{name}"))?;
        let mut details = of_pod(&pod);
        let missing = |what: &str, error: &ApiError| format!("{what}: {error}");
        match self.events(namespace, name, &pod.metadata.uid) {
            Ok(events) => details.events = events,
            Err(error) => details.missing.push(missing("events", &error)),
        }
        if !pod.spec.node_name.is_empty() {
            match self.node(&pod.spec.node_name) {
                Ok(node) => add_node(&mut details, &node),
                Err(error) => details.missing.push(missing("its node", &error)),
            }
        }
        if let Some(request) = log_request(&pod).filter(|_| is_unhealthy(&pod)) {
            match self.log(namespace, name, &request) {
                Ok(log) => details.log = Some(log),
                Err(error) => details.missing.push(missing("log", &error)),
            }
        }
        Ok(details)
    }

    /// Those that name this very pod: another one may have had its name before.
    fn events(
        &mut self,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<Vec<ObjectEvent>, ApiError> {
        let uid = named(uid)?;
        let path = format!(
            "{namespace}/events?fieldSelector=involvedObject.kind%3DPod%2C\
             involvedObject.name%3D{name}%2CinvolvedObject.uid%3D{uid}&limit={EVENTS}"
        );
        let body = self.get(&path, LONGEST_OBJECT)?;
        let page = ListPage::<EventJson>::parse(&body);
        let page = page.map_err(|error| ApiError::Failed(error.to_string()))?;
        Ok(events(&page.take().0))
    }

    fn log(
        &mut self,
        namespace: &str,
        name: &str,
        request: &LogRequest,
    ) -> Result<LogTail, ApiError> {
        let container = named(&request.container)?;
        let previous = if request.is_previous {
            "&previous=true"
        } else {
            ""
        };
        let path = format!(
            "{namespace}/pods/{name}/log?container={container}{previous}\
             &tailLines={LOG_LINES}&limitBytes={LONGEST_LOG}"
        );
        // The bytes of a letter at the end may be more than were asked for.
        let printed = self.get(&path, LONGEST_LOG + 4)?;
        Ok(log_tail(request, &printed, LONGEST_LOG))
    }
}

/// A name as Kubernetes allows it (RFC 1123), so that it can stand in a path as it is.
fn named(name: &str) -> Result<&str, ApiError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    let ends_fit = ends.iter().all(|byte| byte.is_some_and(fits));
    let all_fit = name.bytes().all(|byte| fits(byte) || b"-.".contains(&byte));
    if ends_fit && all_fit && name.len() <= LONGEST_NAME {
        Ok(name)
    } else {
        let why = "an object has a name that Kubernetes does not allow";
        Err(ApiError::Failed(why.to_owned()))
    }
}
