//! Every text of the pages, in both languages: the terms of the manual (requirements §4). A key that one language
//! lacks does not compile.

use token::Language;

macro_rules! texts {
    ($($key:ident: $ja:literal, $en:literal;)*) => {
        /// The texts of one language.
        #[derive(Debug)]
        pub(super) struct Texts {
            $(pub(super) $key: &'static str,)*
        }

        static JA: Texts = Texts { $($key: $ja,)* };
        static EN: Texts = Texts { $($key: $en,)* };

        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($key), $ja, $en),)*];
    };
}

impl Texts {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::Ja => &JA,
            Language::En => &EN,
        }
    }
}

texts! {
    // Around every page
    brand: "実印", "Jitsuin";
    service: "インターネットバンキング 電子証明書", "Internet banking certificates";
    skip: "本文へ移動", "Skip to the content";
    languages: "言語", "Language";
    way: "現在の位置", "You are here";
    top: "トップ", "Top";
    logout: "ログアウト", "Log out";
    logged_out: "ログアウトしました。", "You are logged out.";
    help: "ヘルプ", "Help";
    notices: "お知らせ", "Notices";
    faults: "エラーがあります", "There is a problem";
    error_title: "エラー", "Error";
    trouble: "お手続きできませんでした", "This could not be done";
    back_to_menu: "メニューへ戻る", "Back to the menu";
    back_to_top: "トップへ戻る", "Back to the top";
    back: "戻る", "Back";
    open_again: "画面を開き直す", "Open the page again";
    go_on: "次の画面へ進む", "Go on";
    required: "必須", "required";
    tries_left: "（残り{n}回）", " {n} tries left.";
    none: "－", "–";
    comma: "、", ", ";
    request_number: "受付番号", "Number of the request";
    failure_nowhere: "このアドレスの画面はありません。アドレスをご確認いただくか、次のリンクからお進みください。", "There is no page at this address. Check the address, or go on from here.";
    failure_again: "以前に開いた画面や保存したリンクから操作された可能性があります。次のリンクからお進みください。", "You may have come from an old page or a saved link. Go on from here.";
    failure_long: "ブラウザの「戻る」で入力画面に戻り、入力内容をご確認ください。", "Go back in the browser to what you entered, and check it.";
    failure_wait: "1分ほど待ってから、ブラウザの「戻る」で入力画面に戻り、もう一度お試しください。", "Wait about a minute, then go back in the browser and try again.";
    failure_unknown: "次のリンクから現在の状態と操作履歴をご確認ください。処理が行われていない場合に限り、もう一度お手続きください。", "Look at the state and the history from here. Only if it was not done, do it again.";
    failure_ours: "次のリンクから現在の状態と操作履歴をご確認ください。処理が行われていない場合に限り、もう一度お手続きください。繰り返し表示される場合は、日時と受付番号をお取引店にお知らせください。", "Look at the state and the history from here. Only if it was not done, do it again. If this comes back, tell your branch the time and the number of the request.";
    warnings: "ご注意", "Warnings";
    and_more: "ほか{n}名", "{n} more";

    // Roles and fields
    administrator: "管理者", "Administrator";
    contract_id: "契約者ID", "Contract ID";
    user_id: "利用者ID", "User ID";
    contract_pin: "ご契約先暗証番号", "Administrator login PIN";
    confirm_pin: "ご契約先確認暗証番号", "Contract confirmation PIN";
    certificate_name: "電子証明書の名称", "Name in the certificate";
    otp: "ワンタイムパスワード", "One-time password";
    issue_no: "電子証明書発行番号", "Certificate issue number";
    cert_status: "電子証明書ステータス", "Certificate status";
    registered_on: "電子証明書発行データ登録日", "Issue data registration date";
    cert_serial: "電子証明書シリアル番号", "Certificate serial number";
    valid_until: "電子証明書有効期間終了日時", "End of validity (date and time)";
    acquire_deadline: "取得期限", "Acquisition deadline";
    device_serial: "ハードウェアキーのシリアル番号", "Hardware key serial number";
    device_attested: "{serial}（デバイスによる証明あり）", "{serial} (proven by the device)";
    device_named: "{serial}（管理者の指定）", "{serial} (named by the administrator)";
    token_registration: "トークンの登録状況", "Token registration";
    token_serial: "トークンのシリアル番号", "Token serial number";
    token_registered: "登録済", "registered";
    token_unregistered: "未登録", "not registered";
    days: "{n}日", "{n} days";
    last_login: "前回ログイン日時", "Last login";
    never: "なし", "never";
    user_status: "利用者の状態", "User's state";

    // States
    cert_none: "未発行", "not issued";
    cert_awaiting: "発行済（未取得）", "issued, not yet acquired";
    cert_unconfirmed: "取得中", "acquisition in progress";
    cert_valid: "有効", "valid";
    cert_suspended: "一時停止", "suspended";
    cert_expired: "有効期限切れ", "expired";
    cert_revoked: "失効", "revoked";
    cert_lapsed: "取得期限切れ", "acquisition deadline passed";
    user_active: "利用可能", "active";
    user_locked: "ロック", "locked";
    user_stopped: "利用中止", "stopped";
    user_deregistered: "登録抹消", "deregistered";

    // Start
    start_title: "電子証明書のご利用", "Your electronic certificate";
    start_lead: "ログインの種類を選択してください。", "Choose how to log in.";
    login_admin: "管理者ログイン", "Administrator login";
    login_admin_lead: "利用者の登録、電子証明書の再発行・失効などを行います。", "Register users, reissue and revoke their certificates.";
    login_user: "利用者ログイン", "User login";
    login_user_lead: "電子証明書でログインします。電子証明書の取得方法もこちらからご確認いただけます。", "Log in with your certificate, or see how to acquire one.";

    // 管理者ログイン
    login_admin_how: "管理者のICカード・USBトークンを挿入し、この端末で次のコマンドを実行してください。カードで署名すると、ブラウザでこの続きが開きます。", "Insert the administrator's IC card or USB token and run this command on this workstation. Once the card has signed, the login goes on in the browser.";
    login_admin_form: "管理者の電子証明書の有効期限が経過したとき、またはパソコン・機器を変更するときは、所定の依頼書をお取引店にご提出ください。", "When the administrator's certificate has expired, or the PC or device is to be changed, submit the request form to your branch.";
    login_pin_lead: "管理者の電子証明書を確認しました。ご契約先暗証番号を入力してください。", "The administrator's certificate was accepted. Enter the administrator login PIN.";
    login_link_alone: "この画面のアドレスだけではログインできません。有効期間は5分間で、ログインできるのは1回限りです。", "The address of this page alone logs nobody in. It is good for five minutes and one login.";
    contract_pin_hint: "管理者ログイン用の暗証番号です。ご契約先確認暗証番号ではありません。", "The PIN for administrator login, not the contract confirmation PIN.";
    login: "ログイン", "Log in";

    // 利用者ログイン
    login_user_cert: "電子証明書方式 利用者ログイン", "User login by electronic certificate";
    login_user_cert_lead: "電子証明書と利用者暗証番号でログインします。", "Log in with your certificate and your user PIN.";
    login_user_how: "電子証明書を格納したICカード・USBトークンを挿入し、この端末で次のコマンドを実行してください。カードで署名すると、ブラウザでこの続きが開きます。", "Insert the IC card or USB token with your certificate and run this command on this workstation. Once the card has signed, the login goes on in the browser.";
    login_user_check: "電子証明書の選択では、ご自身のもの（契約者ID、利用者IDの順に表示）であることを確認してください。利用者IDのない電子証明書（管理者のものなど）ではログインできません。", "When you choose the certificate, check that it is your own: contract ID, then user ID. With one that has no user ID, such as the administrator's, you cannot log in.";
    login_user_allow: "接続先を確認して「許可」を押し、ICカード・USBトークンのPINを入力します。", "Check for whom it is, press Allow and enter the PIN of the card or token.";
    login_user_pin_lead: "電子証明書を確認しました。ご自身の電子証明書であることを確認のうえ、利用者暗証番号を入力してください。", "Your certificate was accepted. Check that it is yours, and enter the user PIN.";
    user_pin: "利用者暗証番号", "User PIN";
    user_pin_hint: "利用者ログイン用の暗証番号です。ICカード・USBトークンのPINではありません。", "The PIN for user login, not the PIN of the card or token.";
    acquire: "電子証明書取得", "Acquire certificate";
    acquire_lead: "はじめての取得、再発行後の取得のご案内です。", "How to acquire one, for the first time or after a reissue.";
    acquire_order: "管理者による再発行の手続きが済んでいることをご確認のうえ、今後使用する端末で取得してください。", "See that the administrator has reissued, and acquire on the workstation that you will use from now on.";
    acquire_failed: "取得が正しく完了しなかった場合は、管理者に電子証明書の再発行をご依頼ください。", "If it was not correctly installed, ask the administrator for reissue.";
    information: "ログイン情報", "Login information";
    information_lead: "ログインしました。前回のログイン日時と利用日時に心当たりがあるかご確認ください。心当たりがない場合は、直ちに管理者にご連絡ください。", "You are logged in. Check that the last logins were your own. If not, tell your administrator at once.";
    last_uses: "過去3回の利用日時", "Last three uses";
    days_left: "有効期間の残り日数", "Days of validity left";
    renewal_due: "電子証明書の更新期間です。有効期間が終了する前に、この端末で更新してください（jitsuin renew）。", "Your certificate can be renewed. Renew it on this workstation before it ends (jitsuin renew).";
    rights_suspended: "電子証明書の再発行により、資金移動・承認などの取引権限が停止しています。管理者に取引権限の再付与をご依頼ください。", "The reissue of your certificate has suspended your transfer and approval rights. Ask the administrator to give them again.";
    cooling_off: "新しい電子証明書のため、{date}までは、当日中の資金移動など一部のお取引が制限されることがあります。", "Your certificate is new: until {date} some business, such as same-day transfers, may be refused.";
    next: "次へ", "Next";

    // Menus
    menu_admin: "管理者メニュー", "Administrator menu";
    menu_contract_admin: "ご契約先管理情報変更", "Change contract management information";
    menu_contract_admin_lead: "利用者の登録・変更、電子証明書の再発行・失効を行います。", "Register and change users, reissue and revoke their certificates.";
    menu_user_reg: "利用者情報登録／変更", "Register / change user information";
    menu_user_reg_lead: "利用者を選択し、変更・登録抹消・各種設定・利用者ワンタイムパスワードの手続きを行います。", "Select a user to change, deregister, set, or to manage the user's one-time password.";
    overview: "利用者の状況", "The users at a glance";
    overview_lead: "心当たりのない利用者や変更がないかご確認ください。", "Look for users and changes that you do not know.";
    overview_all: "利用者を一覧で見る", "See all users";

    // 利用者情報選択
    user_select: "利用者情報選択", "Select user information";
    user_select_lead: "対象の利用者を選択し、手続きを選んでください。", "Select the user, then choose what to do.";
    select: "選択", "Select";
    select_user: "{id} を選択", "Select {id}";
    filter: "絞り込み", "Filter";
    filter_id: "利用者IDに含まれる文字", "User ID contains";
    filter_show: "表示する利用者", "Users to show";
    filter_all: "すべて", "all";
    show_acquisition: "電子証明書の取得が済んでいない利用者", "certificate not yet acquired";
    show_ending: "有効期間の終了が近い利用者", "certificate ends soon";
    show_keys: "鍵の確認を待っている利用者", "key waits for confirmation";
    show_locked: "ロックされている利用者", "locked";
    filter_apply: "絞り込む", "Filter";
    sort_by: "{column}で並べ替え", "sort by {column}";
    shown_of: "{all}名中{n}名を表示", "{n} of {all} users shown";
    no_users: "該当する利用者はいません。", "There is no such user.";
    column_certificate: "電子証明書", "Certificate";
    column_days: "残り日数", "Days left";
    column_token: "トークン", "Token";
    group_user_ops: "変更・登録抹消・各種設定・利用者ワンタイムパスワード", "Change, deregister, settings, user's one-time password";
    section_change_dereg: "利用者情報の変更・登録抹消", "Change / deregister user information";
    text_change_dereg: "選択した利用者の情報を変更する場合は「変更」を、登録を抹消する場合は「登録抹消」を押してください。", "Press Change to change the selected user's information, or Deregister to delete the selected user.";
    change: "変更", "Change";
    settings: "各種設定", "Settings";
    settings_lead: "ロック解除、各種暗証番号の再設定、鍵の確認、一時停止などを行います。", "Unlock, reset the PINs, confirm a key, suspend and more.";
    user_otp: "利用者ワンタイムパスワード", "User's one-time password";
    user_otp_lead: "ワンタイムパスワード（トークン）の登録・交換・再同期・失効などを行います。", "Register, exchange, resynchronise or revoke the user's token.";
    reminder_acquire: "{id} の電子証明書を再発行しました。利用者による電子証明書の取得が必要です。", "The certificate of {id} is reissued. The user must acquire it now.";
    changed: "{id} の情報を変更しました。", "{id} was changed.";

    // 利用者情報変更
    user_change: "利用者情報変更", "Change user information";
    check_user: "対象の利用者であることを、利用者IDでご確認ください。", "Check by the user ID that this is the right user.";
    section_user: "利用者情報", "User information";
    section_cert: "利用者電子証明書の再発行・失効", "Reissue / revoke the user's electronic certificate";
    cert_none_yet: "電子証明書はまだ発行されていません。", "No certificate was issued yet.";
    choice: "電子証明書", "Electronic certificate";
    choice_continue: "現在の電子証明書を継続する", "Keep the current certificate";
    choice_reissue: "再発行", "Reissue";
    choice_reissue_hint: "新しい電子証明書の取得を受け付けます。取得は、この利用者に限り、取得期限までできます。", "Opens acquisition of a new certificate, for this user only and until the deadline.";
    choice_revoke: "失効", "Revoke";
    choice_revoke_hint: "現在の電子証明書を使用できなくします。取得の受付は行いません。", "Makes the current certificate unusable. Acquisition is not opened.";
    reason: "再発行・失効の理由", "Reason for reissue or revocation";
    reason_hint: "再発行・失効の場合に選択してください。「紛失」「盗難」「漏えいのおそれ」の場合、現在の電子証明書は直ちに失効します。", "Choose one for a reissue or a revocation. With lost, stolen or compromised the current certificate is revoked at once.";
    reason_none: "選択してください", "Choose one";
    reason_pc_change: "パソコン・機器の変更", "change of PC or device";
    reason_expired: "有効期限の経過", "expired";
    reason_install_failed: "取得（インストール）の失敗", "installation failed";
    reason_lost: "紛失", "lost";
    reason_stolen: "盗難", "stolen";
    reason_compromised: "鍵の漏えいのおそれ", "key compromised";
    reason_other: "その他", "other";
    device_hint: "再発行の場合に、取得に使うICカード・USBトークンを限定するときに入力します。", "To limit a reissue to one IC card or USB token, enter its serial number.";
    section_confirm_pin: "ご契約先確認暗証番号の入力", "Enter the contract confirmation PIN";
    text_confirm_pin: "以上の内容を確認のうえ、ご契約先確認暗証番号を入力し、「{button}」ボタンを押してください。", "Check the above, enter the contract confirmation PIN and press {button}.";
    ok: "OK", "OK";
    back_to_list: "利用者情報選択へ戻る", "Back to Select user information";

    // Result
    result_reissued: "再発行を受け付けました", "Reissue registered";
    result_revoked: "電子証明書を失効しました", "The certificate is revoked";
    result_kept: "現在の電子証明書を継続します", "The current certificate is kept";
    result_nothing: "失効の対象となる電子証明書はありません", "There was no certificate to revoke";
    memo: "利用者へのご通知", "Tell the user";
    memo_user_id: "「利用者ID」は次の【利用者電子証明書の取得】画面で使用しますので、該当の利用者にご通知ください。", "The user ID is needed on the next screen; tell it to the user.";
    memo_items: "次の2点を、このシステムの外で利用者にご通知ください。", "Tell the user these two, by a way outside this system.";
    code: "取得用コード", "Acquisition code";
    code_once: "取得用コードの表示は1回限りです。この画面を閉じると、再度表示することはできません。電話やメールを使わず、対面で利用者にお渡しください。", "The acquisition code is shown once. It cannot be shown again when this page is closed. Hand it over in person, not by telephone or mail.";
    code_qr: "取得用コードのQRコード。同じ内容を文字で上に表示しています。", "The acquisition code as a QR code. The same stands above in letters.";
    until: "{id}（{date}まで）", "{id} (until {date})";
    days_of: "{id}（残り{n}日）", "{id} ({n} days left)";

    // 各種設定
    done_unlock: "ロックを解除しました。", "The lock was lifted.";
    done_pin: "利用者暗証番号を再設定しました。新しい暗証番号を利用者にお伝えください。", "The user PIN was reset. Tell the user the new one.";
    done_key: "鍵を確認し、電子証明書を発行しました。", "The key was confirmed and the certificate issued.";
    done_otp: "トークンを登録しました。", "The token was registered.";
    section_unlock: "利用者のロック解除", "Unlock the user";
    unlock_lead: "ロックごとに解除します。暗証番号が不明な場合は、あわせて再設定してください。", "Each lock is lifted by itself. Where the PIN is not known, reset it as well.";
    unlock_none: "ロックはありません。", "Nothing is locked.";
    unlock_branch: "入力誤りが連続して100回に達しているため、解除は金融機関でのみ行えます。所定の依頼書をお取引店にご提出ください。", "After 100 wrong entries in a row only the bank can unlock. Submit the request form to your branch.";
    unlock_kind: "解除するロック", "Lock to lift";
    lock_user_pin: "利用者暗証番号によるロック", "by wrong user PINs";
    lock_otp: "ワンタイムパスワードによるロック", "by wrong one-time passwords";
    unlock: "ロック解除", "Unlock";
    section_pin: "利用者の各種暗証番号の再設定", "Reset the user's PINs";
    pin_lead: "現在の暗証番号は誰も確認できません。新しい利用者暗証番号を設定します。", "Nobody can read the current PIN. A new user PIN is set.";
    new_user_pin: "新しい利用者暗証番号", "New user PIN";
    pin_rule: "英字と数字を混在させた6～12桁（大文字と小文字を区別します）", "6 to 12 letters and digits, at least one of each; case matters";
    new_pin_again: "新しい利用者暗証番号（確認用）", "New user PIN, once more";
    new_pin_again_hint: "確認のため、もう一度入力してください。", "Enter it again, so that a slip is noticed.";
    reset: "再設定", "Reset";
    section_key: "鍵の確認", "Confirm the key";
    key_lead: "新しい鍵が管理者の確認を待っています。利用者に鍵の指紋を読み上げてもらい、聞いたとおりに入力してください。", "A new key waits for your word. Have the user read out the key's fingerprint and enter what you hear.";
    key_none: "確認を待っている鍵はありません。", "No key waits for confirmation.";
    fingerprint: "鍵の指紋", "Key fingerprint";
    fingerprint_hint: "利用者の画面に表示された、5文字ずつ4組の文字（例: 0123a-4567b-89abc-def01）", "Four groups of five characters from the user's screen, for example 0123a-4567b-89abc-def01";
    confirm_key: "鍵を確認する", "Confirm the key";

    section_suspend: "電子証明書の一時停止", "Suspend the certificate";
    suspend_lead: "電子証明書を直ちに使えなくします。失効とは異なり、一時停止した方以外が解除できます。解除されないまま所定の日数が過ぎると失効します。", "Makes the certificate unusable at once. Unlike revocation it can be lifted, by somebody other than who suspended it. After some days without that it is revoked.";
    suspend_reason: "一時停止の理由", "Reason for the suspension";
    suspend: "一時停止", "Suspend";
    suspend_none: "一時停止できる電子証明書はありません。", "There is no certificate in use to suspend.";
    done_suspend: "電子証明書を一時停止しました。", "The certificate is suspended.";
    cause_absence: "長期の不在", "absence";
    cause_emergency: "緊急停止", "emergency stop";
    cause_suspicion: "不正利用のおそれ", "suspicion of misuse";
    section_reinstate: "一時停止の解除", "Reinstate the certificate";
    reinstate_lead: "一時停止した方とは別の方が解除します。", "Whoever suspended it cannot lift that; somebody else does.";
    reinstate: "解除", "Reinstate";
    reinstate_none: "一時停止中の電子証明書はありません。", "No certificate is suspended.";
    done_reinstate: "一時停止を解除しました。", "The certificate is reinstated.";
    suspended_by: "一時停止", "Suspended";
    suspended_text: "{date}（{reason}）　{until} までに解除されない場合は失効します", "{date} ({reason}); revoked on {until} unless reinstated";
    section_rights: "取引権限の再付与", "Give the rights again";
    rights_lead: "再発行により停止した、資金移動・承認などの取引権限を再び付与します。", "Gives again the transfer and approval rights that a reissue took.";
    rights: "付与", "Give";
    rights_none: "停止中の権限はありません。", "No rights are suspended.";
    done_rights: "取引権限を付与しました。", "The rights were given again.";

    // 利用者ワンタイムパスワード
    otp_register_lead: "トークンのシリアル番号と、トークンに現在表示されているワンタイムパスワードを入力してください。", "Enter the token's serial number and the one-time password that it shows now.";
    token_serial_hint: "トークンの裏面に記載されています。", "It is printed on the token's back.";
    otp_hint: "トークンに現在表示されている数字", "The digits that the token shows now";
    register: "登録", "Register";
    section_otp_register: "トークンの登録", "Register a token";
    token_held: "トークンが登録されています。変更する場合は、交換または失効の手続きを行ってください。", "The user has a token. To change it, exchange or revoke it.";
    token_none: "使用できるトークンは登録されていません。", "No token is registered that could be used.";
    token_is_locked: "トークンはロックされています。", "The token is locked.";
    token_not_locked: "トークンはロックされていません。", "The token is not locked.";
    token_spare: "未使用", "spare";
    section_otp_exchange: "トークンの交換", "Exchange the token";
    otp_exchange_lead: "現在のトークンと新しいトークンの両方のワンタイムパスワードを入力してください。現在のトークンは失効します。", "Enter a one-time password from the current token and one from the new token. The current token is revoked.";
    exchange: "交換", "Exchange";
    otp_old: "現在のトークンのワンタイムパスワード", "One-time password from the current token";
    otp_new: "新しいトークンのワンタイムパスワード", "One-time password from the new token";
    done_otp_exchange: "トークンを交換しました。", "The token was exchanged.";
    section_otp_resync: "トークンの再同期（時刻ずれの補正）", "Resynchronise the token";
    otp_resync_lead: "トークンに続けて表示される2つのワンタイムパスワードを、表示された順に入力してください。", "Enter two one-time passwords that the token shows one after the other, in that order.";
    resynchronise: "再同期", "Resynchronise";
    otp_first: "1回目のワンタイムパスワード", "First one-time password";
    otp_second: "2回目のワンタイムパスワード", "Second one-time password";
    otp_second_hint: "1回目の次に表示された数字", "The digits that it shows next";
    done_otp_resync: "トークンを再同期しました（ずれ: {n}ステップ）。", "The token is resynchronised (it was {n} steps ahead).";
    section_otp_lock: "トークンのロック", "Lock the token";
    otp_lock_lead: "トークンが一時的に見当たらない場合などに、使えなくします。", "Makes the token unusable, for example while it is mislaid.";
    lock: "ロック", "Lock";
    done_otp_lock: "トークンをロックしました。", "The token is locked.";
    section_otp_unlock: "トークンのロック解除", "Unlock the token";
    otp_unlock_lead: "トークンのロックを解除します。", "Lifts the token's lock.";
    done_otp_unlock: "トークンのロックを解除しました。", "The token is unlocked.";
    section_otp_revoke: "トークンの失効", "Revoke the token";
    otp_revoke_lead: "トークンを使えなくします。元に戻すことはできません。新しいトークンの登録は、所定の時間が経過した後に行えます。", "Makes the token unusable for ever. Another one can be registered after some time.";
    revoke: "失効", "Revoke";
    own_otp: "ご契約先のトークンのワンタイムパスワード", "One-time password from the contract's own token";
    own_otp_hint: "ご契約先のトークンが登録されている場合に入力してください。", "Wanted where the contract has a token of its own.";
    done_otp_revoke: "トークンを失効しました。", "The token was revoked.";

    // People
    user: "利用者", "User";
    user_name: "利用者名", "User's name";
    email: "Eメールアドレス", "E-mail address";
    registered: "{id} を登録しました。", "{id} was registered.";
    register_user: "利用者情報の新規登録", "Register a user";
    register_user_lead: "新しい利用者を登録します。初期の利用者暗証番号は、利用者が初回ログイン時に変更します。", "Registers a new user. The user changes the first PIN at the first login.";
    user_id_hint: "30桁以内の半角英数字。登録後は変更できません。一度登録を抹消したIDは使用できません。", "Up to 30 letters and digits. It cannot be changed, and one that was deregistered cannot be used again.";
    first_user_pin: "初期の利用者暗証番号", "First user PIN";
    deregister: "登録抹消", "Deregister";
    deregister_lead: "利用者の登録を抹消します。電子証明書とトークンは失効し、同じ利用者IDを再び登録することはできません。", "Deletes the user. The certificate and the token are revoked, and the user ID can never be registered again.";
    done_deregister: "利用者の登録を抹消しました。", "The user was deregistered.";
    section_rename: "利用者名・Eメールアドレスの変更", "Change the name and e-mail address";
    rename_lead: "利用者名とEメールアドレスを変更します。", "Changes the user's name and e-mail address.";
    done_rename: "利用者情報を変更しました。", "The user's information was changed.";
    section_stop: "利用中止", "Stop the user";
    stop_lead: "ログインと電子証明書の取得をできなくします。電子証明書とトークンはそのまま残ります。", "The user can neither log in nor acquire. Certificate and token stay.";
    stop_already: "利用を中止しています。", "The user is stopped.";
    stop_user: "利用中止", "Stop";
    done_user_stop: "利用を中止しました。", "The user is stopped.";
    section_resume: "利用中止解除", "Resume the user";
    resume_lead: "利用中止を解除します。", "The user can log in again.";
    resume_none: "利用中止の状態ではありません。", "The user is not stopped.";
    resume_user: "利用中止解除", "Resume";
    done_resume: "利用中止を解除しました。", "The user can log in again.";
    approvals: "承認待ちの依頼", "Requests for approval";
    approvals_lead: "他の管理者が依頼した手続きを承認または却下します。ご自身の依頼は取り下げることができます。", "Approve or reject what another administrator asked for. Your own requests you can withdraw.";
    approvals_none: "承認待ちの依頼はありません。", "No request waits.";
    approval_own: "ご自身の依頼です（却下で取下げ）", "your own request (Reject withdraws it)";
    decision: "承認・却下の選択", "Decision";
    approve: "承認", "Approve";
    reject: "却下", "Reject";
    done_approved: "承認しました。", "Approved.";
    done_dual: "{why}承認を依頼しました。{n}時間以内に承認されない場合、依頼は取り消されます。「承認待ちの依頼」でご確認いただけます。", "{why} The approval was asked for. Without an approval within {n} hours the request lapses. See Requests for approval.";
    done_rejected: "却下しました。", "Rejected.";
    menu_approvals: "承認待ちの依頼（{n}件）", "Requests for approval ({n})";
    approval_note: "ご注意", "Note";
    asked_by: "依頼した管理者", "Asked by";
    asked_at: "依頼日時", "Asked on";
    asked_until: "承認期限", "To be approved by";
    administrator_no: "管理者{n}", "Administrator {n}";
    administrator_named: "管理者{n}（{name}）", "Administrator {n} ({name})";
    ask_deregister: "利用者 {id} の登録抹消", "Deregister user {id}";
    ask_exchange: "利用者 {id} のトークンの交換", "Exchange the token of user {id}";
    ask_key: "利用者 {id} の新しい鍵の確認", "Confirm the new key of user {id}";
    ask_pin: "利用者 {id} の利用者暗証番号の再設定", "Reset the user PIN of user {id}";
    ask_register: "利用者 {id} の新規登録", "Register the new user {id}";
    ask_reinstate: "利用者 {id} の電子証明書の一時停止の解除", "Reinstate the certificate of user {id}";
    ask_reissue: "利用者 {id} の電子証明書の再発行", "Reissue the certificate of user {id}";
    ask_resume: "利用者 {id} の利用中止の解除", "Resume user {id}";
    ask_revoke: "利用者 {id} の電子証明書の失効", "Revoke the certificate of user {id}";
    ask_rights: "利用者 {id} への取引権限の再付与", "Give user {id} the rights again";
    ask_token: "利用者 {id} へのトークンの登録", "Register a token for user {id}";
    ask_unlock: "利用者 {id} のロック解除", "Unlock user {id}";
    notice_own_requests: "他の管理者の承認を待っているご自身の依頼が{n}件あります。", "Your own requests that wait for another administrator: {n}.";
    notice_approvals: "承認待ちの依頼が{n}件あります。", "Requests that wait for approval: {n}.";
    emergency_stop: "緊急停止", "Emergency stop";
    emergency_stop_lead: "ご契約先のすべての利用者と管理者のサービスを直ちに停止します。解除は金融機関でのみ行えます。", "Stops the service for all of the contract's users and administrators at once. Only the bank can lift it.";
    done_stop: "サービスを緊急停止しました。解除についてはお取引店にご連絡ください。", "The service is stopped. Contact the branch to lift the stop.";

    history: "操作履歴", "Operation history";
    history_lead: "ご契約先の操作の記録を確認し、CSVまたはJSONで取り出します。", "See what was done in this contract, and take it away as CSV or JSON.";
    history_none: "該当する記録はありません。", "There is no such entry.";
    history_older: "以前の記録", "Earlier entries";
    history_csv: "CSVで取り出す", "Take away as CSV";
    history_json: "JSONで取り出す", "Take away as JSON";
    history_who: "操作者", "Who";
    history_what: "操作", "What";
    history_about: "対象", "About";
    history_outcome: "結果", "Outcome";
    recent: "最近の利用者・権限の変更", "Recent changes of users and rights";

    // 管理者
    peers: "管理者情報", "Administrators";
    peers_lead: "ご契約先の管理者の一覧です。紛失や不正利用のおそれがあるときは、他の管理者の電子証明書を一時停止または失効できます。", "The contract's administrators. Where a key is lost or may be misused, suspend or revoke another administrator's certificate.";
    peer: "管理者の電子証明書・登録情報", "Administrator";
    peer_you: "（ご本人）", "(you)";
    peer_user: "同一人物の利用者ID", "User ID of the same person";
    peer_name: "管理者名", "Administrator's name";
    peer_reissue: "管理者の電子証明書は、インターネットバンキングでは再発行できません。所定の依頼書をお取引店にご提出ください。", "An administrator's certificate cannot be reissued in internet banking. Submit the request form to your branch.";
    peer_revoke: "電子証明書の失効", "Revoke the certificate";
    peer_revoke_lead: "管理者の電子証明書を使えなくします。元に戻すことはできません。再発行はお取引店でのお手続きになります。", "Makes the administrator's certificate unusable for ever. Only the branch can have it reissued.";
    peer_revoke_reason: "失効の理由", "Reason for the revocation";
    peer_rename: "管理者名・Eメールアドレスの変更", "Change your name and e-mail address";
    peer_rename_lead: "お知らせは、ここに登録したEメールアドレスに送信します。変更は、変更前と変更後の両方のアドレスにお知らせします。", "Notices go to this e-mail address. When it changes, the old and the new one are both told.";
    peer_email_hint: "空欄にすると、ご自身宛てのお知らせは送信されません。", "Without one no notices are sent to you.";
    peer_rename_other: "他の管理者の情報は変更できません。ご本人またはお取引店にご依頼ください。", "Another administrator's entries cannot be changed. That administrator can, or the branch.";
    done_peer_rename: "管理者情報を変更しました。", "Your entries were changed.";
    reinstate_own: "ご自身の一時停止は解除できません。他の管理者またはお取引店にご依頼ください。", "You cannot lift your own suspension. Ask another administrator, or your branch.";
    bank_title: "お取引店でのお手続き", "At the branch only";
    bank_lead: "次の手続きはインターネットバンキングでは行えません。所定の依頼書をお取引店にご提出ください。", "These cannot be done in internet banking. Submit the request form to your branch.";
    bank_appoint: "管理者の登録・登録抹消、同一人物の利用者IDの登録", "Registering and removing administrators, and the user ID of the same person";
    bank_reissue: "管理者の電子証明書の再発行（有効期限の経過、紛失、パソコン・機器の変更など）", "Reissuing an administrator's certificate (expired, lost, change of PC or device)";
    bank_pins: "ご契約先暗証番号・ご契約先確認暗証番号の再設定", "Resetting the administrator login PIN and the contract confirmation PIN";
    bank_unlock: "ご契約先のロックおよび緊急停止の解除", "Lifting a lock or an emergency stop of the contract";
    bank_notices: "ご契約先のお知らせ先Eメールアドレスの変更", "Changing the contract's own address for notices";
    warn_few: "手続きのできる管理者が{n}名です（必要数 {wanted}名）。お取引店で管理者の登録または電子証明書の再発行をお手続きください。", "{n} of the {wanted} administrators that are wanted can act. At your branch, have another one registered or a certificate reissued.";
    warn_device: "管理者{n}と利用者 {id} の鍵が同じICカード・USBトークン（{serial}）に入っています。別々のものをご使用ください。", "The keys of administrator {n} and of user {id} are in one IC card or USB token ({serial}). Use separate ones.";

    warn_address: "利用者 {id} が、ご使用中の端末と同じ端末またはネットワーク（{address}）からログインしています。管理者と利用者は別の端末をご使用ください。", "User {id} logged in from the same workstation or network as you ({address}). Administrators and users should use separate workstations.";

    // トークンの状況
    tokens: "トークンの状況", "Tokens";
    tokens_lead: "ご契約先に払い出されたワンタイムパスワードのトークンの一覧です。シリアル番号を選択すると、手続きに進みます。", "The one-time password tokens that the contract was given. Choose a serial number to go on.";
    tokens_shown: "{n}件を表示（未使用 {spare}件）", "{n} shown ({spare} spare)";
    tokens_none: "該当するトークンはありません。", "There is no such token.";
    tokens_more: "トークンの追加は、お取引店にご依頼ください。", "Ask your branch for more tokens.";
    token_one: "トークン", "Token";
    token_holder: "使用者", "Holder";
    token_own: "ご契約先", "the contract";
    token_own_bank: "ご契約先のトークンです。利用者のトークンを失効するときに使用します。ロックの解除と交換は、お取引店にご依頼ください。", "The contract's own token, which is asked for when a user's token is revoked. Your branch unlocks and exchanges it.";
    token_end: "有効期限", "End of life";
    token_ends_soon: "まもなく終了", "ends soon";
    token_expired_lead: "有効期限が経過しているため、登録できません。", "It is past its end of life and cannot be registered.";
    token_revoked_lead: "失効しているため、再び登録することはできません。", "It was revoked and cannot be registered again.";
    token_give: "利用者へのトークンの登録・交換", "Give the token to a user";
    token_give_lead: "利用者を選択してください。次の画面で、このトークンに表示されるワンタイムパスワードを入力します。", "Choose the user. The next page asks for the one-time password that this token shows.";
    token_give_choose: "利用者を選択してください", "choose a user";
    token_for_exchange: "{id}（現在のトークン {serial} と交換）", "{id} (in place of token {serial})";
    token_for_first: "{id}（トークン未登録）", "{id} (has no token)";

    // お知らせの設定
    notice_settings: "お知らせの設定", "Notices";
    notice_settings_lead: "手続きや有効期限などのお知らせの送信先と内容を確認します。", "Where notices go, and what is told.";
    notice_no_link: "お知らせのメールにはリンクを記載しません。また、暗証番号やワンタイムパスワードの入力をお願いすることもありません。そのようなメールは偽物です。", "No notice has a link, and none asks for a PIN or a one-time password. A mail that does is forged.";
    notice_mail_off: "現在、お知らせのメールは送信していません。", "No notices are sent by mail at present.";
    notice_addresses: "お知らせの送信先", "Where notices go";
    notice_addresses_lead: "管理者のEメールアドレスはご本人が、利用者のEメールアドレスは管理者が変更できます。変更は、変更前と変更後の両方のアドレスにお知らせします。", "Each administrator changes their own address, and administrators change the users'. The old and the new address are both told.";
    notice_contract_address: "ご契約先", "Contract";
    notice_no_address: "未登録（送信されません）", "none (nothing is sent)";
    bank_branch: "お取引店", "the branch";
    notice_at_branch: "ご本人またはお取引店", "themselves, or the branch";
    notice_recipient: "送信先", "Recipient";
    notice_when: "お知らせの時期と対象", "When, and who";
    notice_language: "お知らせの言語", "Language of the notices";
    notice_users: "利用者へのお知らせ", "Users who are told";
    notice_users_all: "すべての利用者に送信", "all users";
    notice_users_concerned: "該当の利用者に送信", "the user concerned";
    notice_users_none: "送信しない", "none";
    notice_expiry: "電子証明書の有効期間終了前のお知らせ", "Before a certificate ends";
    notice_unfetched: "再発行後、未取得のお知らせまでの時間", "After a reissue that nobody acquired";
    notice_token: "トークンの有効期限前のお知らせ", "Before a token ends";
    notice_never: "なし", "never";
    hours: "{n}時間", "{n} hours";
    in_japanese: "日本語", "Japanese";
    in_english: "英語", "English";
    notice_kinds: "お知らせの内容", "What is told";
    notice_what: "内容", "What";
    notice_to_administrators: "管理者", "administrators";
    notice_to_both: "管理者、該当の利用者", "administrators, the user concerned";
    notice_to_all: "管理者、すべての利用者", "administrators, all users";
    notice_told: "最近のお知らせ", "Told lately";
    notice_none: "最近のお知らせはありません。", "Nothing was told lately.";
    notice_sent: "送信済", "sent";
    notice_waiting: "送信待ち", "waiting";
    notice_dead: "送信できませんでした", "could not be sent";

    // お急ぎのとき
    start_urgent: "お急ぎのとき", "In an emergency";
    start_admin_lost: "管理者のICカード・USBトークンの紛失・盗難は、直ちに他の管理者またはお取引店にご連絡ください。", "If an administrator's IC card or USB token is lost or stolen, tell another administrator or your branch at once.";
    contract_id_alias: "契約者ID（利用者番号）", "Contract ID (customer number)";
    contract_id_hint: "お客様カードに記載された11桁の数字", "The 11 digits on the customer card";
    lost: "紛失・盗難時の一時停止（利用者）", "Lost or stolen: suspend your certificate (users)";
    lost_lead: "ICカード・USBトークンの紛失・盗難や不正利用のおそれがあるとき、ご自身の電子証明書を直ちに一時停止します。解除は管理者が行います。", "When your IC card or USB token is lost, stolen or may be misused, this suspends your certificate at once. Your administrator reinstates it.";
    lost_done: "電子証明書を一時停止しました。管理者にご連絡ください。", "The certificate is suspended. Tell your administrator.";
    stop_code_title: "停止コードによる停止", "Stop by the code of a notice";
    stop_code_lead: "お知らせに記載の停止コードを入力すると、電子証明書が直ちに一時停止されます。", "Enter the stop code of the notice. The certificate is suspended at once.";
    stop_code_no_pin: "暗証番号は入力しないでください。", "Enter no PIN here.";
    stop_code: "停止コード", "Stop code";
    stop_code_hint: "お知らせに記載された英数字（一回限り）", "The letters and digits in the notice; they count once";
    stop_code_button: "停止する", "Stop";
    stop_code_user: "停止しました。この利用者は電子証明書の取得もログインもできません。管理者またはお取引店にご連絡ください。", "Stopped. This user can neither acquire a certificate nor log in. Call the administrator or the branch.";
    stop_code_certificate: "停止しました。この電子証明書ではログインできません。管理者またはお取引店にご連絡ください。", "Stopped. Nobody can log in with this certificate. Call the administrator or the branch.";

    // 利用者メニュー
    menu_user: "利用者メニュー", "User menu";
    cert_status_title: "電子証明書の状態", "Your certificate";
    login_history: "ログイン履歴", "Login history";
    login_history_lead: "心当たりのないログインがある場合は、直ちに一時停止し、管理者にご連絡ください。", "If a login was not your own, suspend your certificate at once and tell your administrator.";
    login_at: "日時", "Date and time";
    login_from: "接続元", "From";
    change_pin: "利用者暗証番号の変更", "Change the user PIN";
    change_pin_lead: "現在の利用者暗証番号と新しい利用者暗証番号を入力してください。", "Enter the current user PIN and a new one.";
    change_pin_first: "利用者暗証番号が初期設定のままです。ご自身の暗証番号に変更してください。", "This user PIN was set by somebody else. Set one of your own.";
    done_own_pin: "利用者暗証番号を変更しました。", "Your user PIN was changed.";
    old_user_pin: "現在の利用者暗証番号", "Current user PIN";
    suspend_own_lead: "紛失や不正利用のおそれがあるとき、ご自身の電子証明書を直ちに使えなくします。解除は管理者が行います。", "Makes your own certificate unusable at once, when it is lost or may be misused. Your administrator reinstates it.";

    // Help
    help_title: "ヘルプ", "Help";
    help_otp: "ご契約先向け簡易マニュアル 管理者編 ワンタイムパスワード（トークン）の設定", "Setting up the one-time password (token) — administrator";
    help_unlock: "ご契約先向け簡易マニュアル 管理者編 利用者のロック解除、利用者の各種暗証番号の再設定", "Unlocking users, resetting PINs — administrator";
    help_reissue: "ご契約先向け簡易マニュアル 管理者編 利用者電子証明書の再発行・失効", "Reissuing and revoking users' certificates — administrator";
    help_user: "ご契約先向け簡易マニュアル 利用者編", "Quick manual — user";
    help_way: "管理者ログインのあと、「ご契約先管理情報変更」、「利用者情報登録／変更」の順に進み、「利用者情報選択」で対象の利用者を選択します。", "After administrator login go on to Change contract management information, then Register / change user information, and select the user.";
    help_reissue_1: "「変更・登録抹消・各種設定・利用者ワンタイムパスワード」を開き、「変更」を押します。", "Open Change, deregister, settings, user's one-time password and press Change.";
    help_reissue_2: "利用者IDと電子証明書の内容を確認し、「現在の電子証明書を継続する」「再発行」「失効」のいずれかを選択します。", "Check the user ID and the certificate, and choose Keep the current certificate, Reissue or Revoke.";
    help_reissue_3: "ご契約先確認暗証番号を入力し、「OK」を押します。", "Enter the contract confirmation PIN and press OK.";
    help_reissue_4: "再発行の場合は、契約者IDと利用者IDを利用者に通知し、取得用コードを対面で渡します。利用者は今後使用する端末で電子証明書を取得します。", "After a reissue tell the user the contract ID and the user ID, and hand over the acquisition code in person. The user acquires the certificate on the workstation to be used from now on.";
    help_otp_1: "「利用者ワンタイムパスワード」を押し、「トークンの登録」を選択します。", "Press User's one-time password and choose Register a token.";
    help_otp_2: "トークンのシリアル番号と、トークンに表示されているワンタイムパスワードを入力します。", "Enter the token's serial number and the one-time password that it shows.";
    help_otp_3: "ご契約先確認暗証番号を入力し、「登録」を押します。トークンが登録されていない利用者は、電子証明書を取得できません。", "Enter the contract confirmation PIN and press Register. A user without a token cannot acquire a certificate.";
    help_unlock_1: "「各種設定」を押し、「利用者のロック解除」または「利用者の各種暗証番号の再設定」を選択します。", "Press Settings and choose Unlock the user, or Reset the user's PINs.";
    help_unlock_2: "ロック解除では、解除するロックを選択します。ロックの種類ごとに解除が必要です。", "To unlock, choose the lock to lift. Each kind of lock is lifted by itself.";
    help_unlock_3: "暗証番号の再設定では、新しい利用者暗証番号を入力します。最後にご契約先確認暗証番号を入力して確定します。", "To reset a PIN, enter the new user PIN. At last enter the contract confirmation PIN.";
    help_user_1: "電子証明書の取得は、この端末の取得プログラム（jitsuin）で行います。ブラウザでは取得できません。", "A certificate is acquired with this workstation's program (jitsuin), not in a browser.";
    help_user_2: "取得には、契約者ID、利用者ID、利用者暗証番号、ワンタイムパスワードと、管理者から受け取った取得用コードが必要です。", "Acquisition takes the contract ID, the user ID, the user PIN, a one-time password, and the acquisition code from the administrator.";
    help_user_3: "ログインするときは、端末で電子証明書を選択し、「許可」とPINの入力のあと、利用者暗証番号を入力します。", "To log in, choose your certificate on the workstation, allow its use and enter its PIN; then enter the user PIN.";
    help_user_4: "利用者暗証番号が不明なとき、ロックされたとき、電子証明書が正しくインストールされなかったときは、管理者にご依頼ください。", "If you do not know your user PIN, are locked, or the certificate was not correctly installed, ask your administrator.";

    // Notices
    notice_acquisition: "電子証明書の取得が済んでいない利用者: ", "Users who have not acquired their certificate: ";
    notice_ending: "電子証明書の有効期間の終了が近い利用者: ", "Users whose certificate ends soon: ";
    notice_keys: "鍵の確認を待っている利用者: ", "Users whose key waits for your confirmation: ";
    notice_locked: "ロックされている利用者: ", "Users who are locked: ";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{…}` in a text.
    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(p, _)| p).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_languages_say_the_same() {
        for (key, ja, en) in ALL {
            assert!(!ja.trim().is_empty() && !en.trim().is_empty(), "{key}");
            assert_eq!(places(ja), places(en), "{key}");
            assert!(en.is_ascii() || en.chars().all(|c| c.is_ascii() || "–—".contains(c)), "{key}: {en}");
        }
    }

    #[test]
    fn no_letter_is_cyrillic() {
        for (key, ja, en) in ALL {
            for text in [ja, en] {
                assert!(!text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c)), "{key}: {text}");
            }
        }
    }

    #[test]
    fn the_damaged_word_is_whole() {
        let word = "\u{30ef}\u{30f3}\u{30bf}\u{30a4}\u{30e0}\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}";
        assert_eq!(JA.otp, word);
    }
}
