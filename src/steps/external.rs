//! An external Postgres: its role and database, and what is proven of it from the servers.

use super::{StepContext, StepHost, certificates, postgres};
use crate::events::external::POSTGRES_PROOF;
use crate::plan::{DatabaseOrder, Step, Task};

/// What fails there is not fixed on a host of the cluster, as with a Postgres of the wizard's own.
pub const PROOF: &str = POSTGRES_PROOF;

/// Where an administrator is given: else the preflight has seen that role and database are there.
pub fn role(context: &StepContext<'_>) -> Option<Step> {
    let datastore = &context.given.topology.datastore;
    let order = DatabaseOrder {
        datastore: datastore.clone(),
        admin: context.given.admin?.clone(),
        verifier: context.given.secrets.db_verifier.clone(),
    };
    let title = format!(
        "Give the role {} its database {}",
        datastore.user, datastore.database
    );
    let task = Task::CreateDatabase(Box::new(order));
    Some(context.server_1().task(postgres::ROLE, title, task))
}

/// From a server to each endpoint.
pub fn proof(context: &StepContext<'_>, server: &StepHost<'_>) -> Step {
    let datastore = Box::new(context.given.topology.datastore.clone());
    let title = "Check that the external Postgres accepts only the right password";
    server
        .task(PROOF, title, Task::ProveExternal(datastore))
        .skippable()
        .needing([server.id(certificates::CLIENT)])
}

/// Server 1 sees the data of the cluster.
pub fn data(context: &StepContext<'_>, step: &str) -> Step {
    let task = Task::ProveStored {
        datastore: Box::new(context.given.topology.datastore.clone()),
        token: crate::hash::token_mark(&context.given.secrets.token),
    };
    context
        .server_1()
        .task(step, "Check that the cluster's data is in Postgres", task)
}
