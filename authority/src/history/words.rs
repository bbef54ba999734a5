//! What actions and roles are called.

use token::Language;

/// Action, in Japanese, in English.
#[rustfmt::skip] // one a line
static ACTIONS: &[(&str, &str, &str)] = &[
    ("acquisition.abandon", "電子証明書の取得の中止", "acquisition given up"),
    ("acquisition.accept", "電子証明書の取得の申請", "acquisition requested"),
    ("acquisition.admit", "電子証明書の取得の開始", "acquisition begun"),
    ("acquisition.code", "取得用コードの表示", "acquisition code shown"),
    ("acquisition.confirm", "電子証明書の取得の完了", "certificate acquired"),
    ("acquisition.mac", "取得用コードの照合", "acquisition code checked"),
    ("administrator.add", "管理者の登録", "administrator registered"),
    ("administrator.change", "管理者情報の変更", "administrator changed"),
    ("administrator.remove", "管理者の削除", "administrator removed"),
    ("approval.approve", "承認", "approved"),
    ("approval.expire", "承認期限切れ", "approval expired"),
    ("approval.reject", "承認の却下", "approval rejected"),
    ("approval.request", "承認依頼", "approval requested"),
    ("approval.stale", "承認依頼の失効", "approval overtaken"),
    ("approval.withdraw", "承認依頼の取下げ", "approval withdrawn"),
    ("authority.init", "認証局の設立", "authority founded"),
    ("authority.server_certificate", "サーバー証明書の更新", "server certificate renewed"),
    ("ca.encrypt_key", "認証局の鍵の暗号化", "CA's key encrypted"),
    ("ca.install", "発行用認証局の導入", "issuing CA installed"),
    ("ca.issuer", "発行用認証局の更新", "issuing CA renewed"),
    ("ca.root_list", "ルート認証局の失効リストの導入", "root CA's revocation list installed"),
    ("certificate.confirm-key", "鍵の指紋の確認", "key confirmed"),
    ("certificate.continue", "現在の電子証明書の継続", "certificate kept"),
    ("certificate.end", "電子証明書の終了", "certificate ended"),
    ("certificate.open", "電子証明書発行データの登録", "issue registered"),
    ("certificate.reinstate", "電子証明書の一時停止の解除", "certificate reinstated"),
    ("certificate.reissue", "電子証明書の再発行", "certificate reissued"),
    ("certificate.revoke", "電子証明書の失効", "certificate revoked"),
    ("certificate.suspend", "電子証明書の一時停止", "certificate suspended"),
    ("contract.emergency_stop", "緊急停止", "emergency stop"),
    ("contract.notices", "お知らせ先の変更", "notice address changed"),
    ("contract.open", "契約の登録", "contract opened"),
    ("contract.pins", "ご契約先暗証番号の再設定", "contract PINs set"),
    ("contract.resume", "緊急停止の解除", "emergency stop lifted"),
    ("contract.set", "ご契約内容の変更", "contract changed"),
    ("contract.terminate", "解約", "contract terminated"),
    ("contract.unlock", "ご契約先のロック解除", "contract unlocked"),
    ("crl.issue", "失効リストの発行", "revocation list issued"),
    ("device.attest", "ハードウェアキーの証明の確認", "hardware key's proof checked"),
    ("login.certificate", "ログイン（電子証明書）", "login: certificate"),
    ("login.link", "ログイン画面の表示", "login: opened in a browser"),
    ("login.pin", "ログイン（暗証番号）", "login: PIN"),
    ("login.verify", "ログイン（電子証明書）", "login: certificate"),
    ("logout", "ログアウト", "logout"),
    ("notice.dead", "お知らせの送信断念", "notice given up"),
    ("notice.retry", "お知らせの再送", "notices tried again"),
    ("ocsp.responder", "OCSP応答者の更新", "OCSP responder renewed"),
    ("party.add", "接続先の登録", "relying party registered"),
    ("party.bearer", "接続先の認証", "relying party recognised"),
    ("party.remove", "接続先の削除", "relying party removed"),
    ("party.verify", "接続先による検証", "verified for a relying party"),
    ("reminder.acquisition", "未取得のお知らせ", "reminder: not acquired"),
    ("reminder.expiry", "有効期限のお知らせ", "reminder: certificate ends"),
    ("reminder.token", "トークンの有効期限のお知らせ", "reminder: token ends"),
    ("renewal.accept", "電子証明書の更新の申請", "renewal requested"),
    ("renewal.admit", "電子証明書の更新の開始", "renewal begun"),
    ("stop.code", "停止コードの利用", "stop code used"),
    ("token.add", "トークンの入庫", "token taken into stock"),
    ("token.assign", "トークンの払出し", "token given out"),
    ("token.end", "トークンの有効期限切れ", "token expired"),
    ("token.exchange", "トークンの交換", "token exchanged"),
    ("token.import", "トークンの一括入庫", "tokens imported"),
    ("token.lock", "トークンのロック", "token locked"),
    ("token.register", "トークンの登録", "token registered"),
    ("token.resynchronise", "トークンの再同期", "token resynchronised"),
    ("token.revoke", "トークンの失効", "token revoked"),
    ("token.unlock", "トークンのロック解除", "token unlocked"),
    ("user.add", "利用者の登録", "user registered"),
    ("user.change", "利用者情報の変更", "user changed"),
    ("user.deregister", "利用者の登録抹消", "user deregistered"),
    ("user.pin", "利用者暗証番号の再設定", "user PIN set"),
    ("user.resume", "利用者の利用中止解除", "user resumed"),
    ("user.rights", "取引権限の変更", "user's rights changed"),
    ("user.stop", "利用者の利用中止", "user stopped"),
    ("user.unlock", "利用者のロック解除", "user unlocked"),
    ("vault.adopt", "秘密保護鍵の登録", "vault key recorded"),
    ("vault.begin", "秘密保護鍵の更新の開始", "vault key change begun"),
    ("vault.rekey", "秘密保護鍵の更新", "vault key changed"),
];

/// The action in words; one that is not known is its own name.
pub(super) fn action(action: &str, language: Language) -> &str {
    ACTIONS.iter().find(|(key, ..)| *key == action).map_or(action, |(_, ja, en)| match language {
        Language::Ja => ja,
        Language::En => en,
    })
}

/// The role in words.
pub(super) fn role(role: &str, language: Language) -> &'static str {
    match (role, language) {
        ("administrator", Language::Ja) => "管理者",
        ("administrator", Language::En) => "administrator",
        ("bank_operator", Language::Ja) => "金融機関",
        ("bank_operator", Language::En) => "bank",
        ("applicant", Language::Ja) => "申請者",
        ("applicant", Language::En) => "applicant",
        ("relying_party", Language::Ja) => "接続先",
        ("relying_party", Language::En) => "relying party",
        ("holder" | "user", Language::Ja) => "利用者",
        ("holder" | "user", Language::En) => "user",
        (_, Language::Ja) => "システム",
        (_, Language::En) => "system",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_words() {
        let missing: Vec<_> = crate::store::event::actions_in_the_source()
            .into_iter()
            .filter(|action| !ACTIONS.iter().any(|(key, ..)| key == action))
            .collect();
        assert_eq!(missing, Vec::<String>::new());
        assert!(ACTIONS.is_sorted_by(|(a, ..), (b, ..)| a < b));
    }
}
