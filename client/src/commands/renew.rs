//! `jitsuin renew`: 更新, a new certificate by the word of the old one's key

use super::{Context, follow};
use crate::Error;
use crate::agent;
use crate::bus::enrolment::{self, EnrolmentProxy};
use crate::bus::manager::ManagerProxy;
use crate::bus::{BusError, Options};
use crate::cli::Renew;
use crate::run::interruptible;

/// Neither user PIN nor one-time password is asked for: the old key signs. It is in use until the new one is.
pub(crate) async fn perform(context: &Context, renew: Renew) -> Result<(), Error> {
    let (connection, enrolment) = interruptible(start(context, &renew)).await?;
    follow::follow(context, &connection, &enrolment).await
}

async fn start(context: &Context, renew: &Renew) -> Result<(zbus::Connection, EnrolmentProxy<'static>), Error> {
    let profile = context.authority(renew.profile.as_deref())?.name;
    let connection = context.bus_with_agent().await?;
    let mut options = Options::from([("agent", agent::option()?)]);
    if let Some(key) = &renew.certificate {
        options.insert("key", key.to_string().into());
    }
    if let Some(algorithm) = renew.algorithm {
        options.insert("algorithm", algorithm.name().into());
    }
    let manager = ManagerProxy::new(&connection).await.map_err(BusError::from)?;
    let path = manager.start_renewal(&profile, options).await.map_err(BusError::from)?;
    let enrolment = enrolment::at(&connection, path).await?;
    Ok((connection, enrolment))
}
