//! What time gives reason to tell, each an event that is written once.

use crate::house::House;
use crate::store::notices::{self, Remindable};
use crate::store::{Event, StoreError, in_time};

/// Reminders read at a time, of each sort.
const BATCH: i64 = 500;

pub(super) async fn remind(house: &House) -> Result<usize, StoreError> {
    let now = house.clock.now();
    let db = house.store.readers();
    let mut given = 0;
    let mut days = house.settings.notice.expiry_days.clone();
    days.sort_unstable();
    // The shortest that covers what is left is the one that is due: of those before it, missed while nobody served,
    // nothing is said any more.
    let mut from = now;
    for day in days {
        let to = now + i64::from(day) * 86_400;
        let (name, before) = (format!("expiry.{day}"), day.to_string());
        let due = || notices::certificates_ending(db, &name, (from, to), BATCH);
        given += all(house, due, ("reminder.expiry", &name, &before)).await?;
        from = to;
    }
    let hours = house.settings.notice.acquisition_hours;
    if hours > 0 {
        let (name, before) = ("acquisition", hours.to_string());
        let due = || notices::not_acquired(db, name, now - i64::from(hours) * 3600, BATCH);
        given += all(house, due, ("reminder.acquisition", name, &before)).await?;
    }
    let days = house.settings.token.notice_days;
    let due = || notices::tokens_ending(db, "life", now + i64::from(days) * 86_400, BATCH);
    Ok(given + all(house, due, ("reminder.token", "life", &days.to_string())).await?)
}

/// Gives all reminders of a sort that are due, in batches: however many end on one day, each is reminded of in time.
async fn all<F>(
    house: &House,
    due: impl Fn() -> F,
    (action, reminder, before): (&'static str, &str, &str),
) -> Result<usize, StoreError>
where
    F: Future<Output = Result<Vec<Remindable>, StoreError>>,
{
    let mut given = 0;
    loop {
        let batch = in_time(due()).await?;
        let last = batch.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        let told = tell(house, batch, action, reminder, before).await?;
        given += told;
        // Where another process gives them all, it gives the next as well.
        if last || told == 0 {
            return Ok(given);
        }
    }
}

async fn tell(
    house: &House,
    due: Vec<Remindable>,
    action: &'static str,
    reminder: &str,
    before: &str,
) -> Result<usize, StoreError> {
    let mut given = 0;
    for one in due {
        given += usize::from(in_time(tell_one(house, one, action, (reminder, before))).await?);
    }
    Ok(given)
}

async fn tell_one(
    house: &House,
    (subject, contract, user): Remindable,
    action: &'static str,
    (reminder, before): (&str, &str),
) -> Result<bool, StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    // Another process may have been there first.
    if !notices::remind_once(change.db(), &subject, reminder, now).await? {
        return Ok(false);
    }
    let mut event = Event::new("authority", "clock", "clock", action).on(&subject).because(before);
    event.contract_id = contract;
    event.user_id = user.unwrap_or_default();
    change.commit(event).await?;
    Ok(true)
}
