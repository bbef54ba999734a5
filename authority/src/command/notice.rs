//! The bank operator's commands on notices.

use anyhow::bail;

use super::arguments::{NoticeStatusArgument, NoticeWork};
use super::{denied, say};
use crate::bank::Bank;
use crate::jst;
use crate::store::notices::Notice;

pub(super) async fn work(bank: &Bank, work: NoticeWork) -> anyhow::Result<()> {
    match work {
        NoticeWork::List { status, contract_id, most } => {
            let status = match status {
                NoticeStatusArgument::All => "",
                NoticeStatusArgument::Dead => "dead",
                NoticeStatusArgument::Sent => "sent",
                NoticeStatusArgument::Waiting => "waiting",
            };
            for notice in bank.notices(status, contract_id.as_ref(), most.into()).await.map_err(denied)? {
                say(&line(&notice))?;
            }
            Ok(())
        }
        NoticeWork::Retry { notice, all } => {
            if notice.is_none() && !all {
                bail!("name a notice, or give --all");
            }
            let revived = bank.retry_notices(notice.as_deref()).await.map_err(denied)?;
            say(&format!("{revived} notices are tried again"))
        }
        NoticeWork::Test { to } => {
            bank.test_mail(&to).await?;
            say(&format!("the relay took a mail to {to}"))
        }
    }
}

fn line(notice: &Notice) -> String {
    let recipient = if notice.recipient.is_empty() { &notice.channel } else { &notice.recipient };
    let holder = match notice.user_id.as_str() {
        "" => notice.contract_id.clone(),
        user => format!("{}/{user}", notice.contract_id),
    };
    let when =
        notice.sent_at.unwrap_or(if notice.notice_status == "dead" { notice.created_at } else { notice.next_at });
    let mut line = format!(
        "notice {} {} {} {recipient} {holder} {}",
        notice.notice_id,
        notice.notice_status,
        notice.notice_kind,
        jst::date_time(when)
    );
    if !notice.last_error.is_empty() {
        line = format!("{line} after {} tries: {}", notice.attempts, notice.last_error);
    }
    line
}
