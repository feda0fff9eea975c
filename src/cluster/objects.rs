//! What we read of the API's objects: of each the few fields that matter here.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ApiJsonError;

/// Objects of a kind, as the API lists them: the kind is that of the list alone.
pub(super) trait ListedObject: DeserializeOwned {
    /// `NodeList`
    const LIST: &'static str;
}

impl ListedObject for NodeJson {
    const LIST: &'static str = "NodeList";
}

impl ListedObject for PodJson {
    const LIST: &'static str = "PodList";
}

impl ListedObject for ConfigMapJson {
    const LIST: &'static str = "ConfigMapList";
}

/// A part of a list.
#[derive(Deserialize)]
pub(super) struct ListPage<T> {
    kind: String,
    #[serde(default)]
    metadata: PageMetadata,
    /// `null` for none, in Go.
    items: Option<Vec<T>>,
}

#[derive(Deserialize, Default)]
struct PageMetadata {
    /// Names what follows; empty at the end.
    #[serde(default, rename = "continue")]
    more: String,
}

impl<T: ListedObject> ListPage<T> {
    pub fn parse(json: &[u8]) -> Result<Self, ApiJsonError> {
        let page: Self = serde_json::from_slice(json)?;
        if page.kind == T::LIST {
            Ok(page)
        } else {
            Err(ApiJsonError::Kind(T::LIST))
        }
    }

    /// Its objects, and what names the next page, if there is one.
    pub fn take(self) -> (Vec<T>, Option<String>) {
        let more = self.metadata.more;
        let items = self.items.unwrap_or_default();
        (items, (!more.is_empty()).then_some(more))
    }
}

/// Its data is not read.
#[derive(Deserialize)]
pub(super) struct ConfigMapJson {
    pub metadata: Metadata,
}

/// What the root of the API says.
#[derive(Deserialize)]
pub(super) struct ApiVersionsJson {
    #[serde(default, rename = "serverAddressByClientCIDRs")]
    servers: Vec<AdvertisedJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdvertisedJson {
    server_address: String,
}

impl ApiVersionsJson {
    /// The address of the server that answers; an address has few letters.
    pub fn advertised(self) -> Option<String> {
        const LONGEST: usize = 300;
        let address = self.servers.into_iter().next()?.server_address;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
        let is_fit = !address.is_empty() && address.len() <= LONGEST && address.bytes().all(fits);
        is_fit.then_some(address)
    }
}

#[derive(Deserialize)]
pub(super) struct NodeJson {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: NodeSpec,
    #[serde(default)]
    pub status: NodeStatus,
}

#[derive(Deserialize)]
pub(super) struct PodJson {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: PodSpec,
    #[serde(default)]
    pub status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub name: String,
    #[serde(default)]
    pub uid: String,
    #[serde(default)]
    pub namespace: String,
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, String>,
    pub creation_timestamp: Option<String>,
    pub deletion_timestamp: Option<String>,
    #[serde(default)]
    pub finalizers: Vec<String>,
    #[serde(default)]
    pub owner_references: Vec<Owner>,
}

impl Metadata {
    /// When the object was created, if it says so in a form that is a time.
    pub fn created(&self) -> Option<OffsetDateTime> {
        moment(self.creation_timestamp.as_deref()?)
    }
}

/// A time as the API writes it.
pub(super) fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[derive(Deserialize)]
pub(super) struct Owner {
    pub kind: String,
    pub name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct NodeSpec {
    pub unschedulable: bool,
    /// The range of its pods' addresses.
    #[serde(rename = "podCIDR")]
    pub pod_cidr: String,
    pub taints: Vec<Taint>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Taint {
    pub key: String,
    pub value: String,
    pub effect: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeStatus {
    pub conditions: Vec<Condition>,
    pub addresses: Vec<Address>,
    pub node_info: NodeInfo,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeInfo {
    pub kubelet_version: String,
    pub os_image: String,
    pub kernel_version: String,
    pub container_runtime_version: String,
}

#[derive(Deserialize)]
pub(super) struct Address {
    #[serde(rename = "type")]
    pub kind: String,
    pub address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub last_transition_time: Option<String>,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub node_name: String,
    pub restart_policy: String,
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    pub name: String,
    #[serde(default)]
    pub image: String,
    /// `Always` makes an init container one that stays: a sidecar.
    #[serde(default)]
    pub restart_policy: String,
    #[serde(default)]
    pub resources: Resources,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Resources {
    pub limits: Limits,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Limits {
    pub memory: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodStatus {
    pub phase: String,
    pub reason: String,
    pub message: String,
    #[serde(rename = "podIP")]
    pub pod_ip: String,
    pub conditions: Vec<Condition>,
    pub init_container_statuses: Vec<ContainerStatus>,
    pub container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    pub name: String,
    #[serde(default)]
    pub ready: bool,
    #[serde(default)]
    pub started: Option<bool>,
    #[serde(default)]
    pub restart_count: u64,
    #[serde(default)]
    pub state: ContainerStateJson,
    #[serde(default)]
    pub last_state: ContainerStateJson,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ContainerStateJson {
    pub waiting: Option<Waiting>,
    pub running: Option<Running>,
    pub terminated: Option<Terminated>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Running {
    pub started_at: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Waiting {
    pub reason: String,
    pub message: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Terminated {
    pub exit_code: i32,
    pub signal: i32,
    pub reason: String,
    pub message: String,
    pub finished_at: Option<String>,
}

/// The condition of that type, if the object has it.
pub(super) fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}
