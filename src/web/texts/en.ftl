# The texts of the User Panel, English. Each message is a text on a page; { $names } are filled in.
language-name = English
choose-language = Language
skip-to-content = Skip to the content
menu-label = Menu
menu-factor = 2-Factor Auth
menu-app-passwords = App passwords
menu-sign-ins = Sign-ins
menu-recovery-codes = Recovery codes
log-out = Log out
log-in = Log in
save-button = Save
next-button = Next
cancel-button = Cancel
continue-button = Continue
copy-button = Copy
copy-done = Copied
to-the-start = Go to the start page
error-prefix = Error:
form-refused = That did not work. Please see below what is wrong.
last-used = Last used
never-used = Never

# -- what a page says after something was done
notice-ended = You were logged out because some time passed, or because the sign-ins of this mailbox were ended. Please log in again.
notice-logged-out = You are logged out.
notice-unchanged = It already is like that. Nothing was changed.
notice-enabled = 2-factor authentication is on. From now on your mailbox asks for a code.
notice-disabled = 2-factor authentication is off. You can now delete the entry of this mailbox from your authenticator app; your recovery codes are void.
notice-moved = Your new phone is set up. You can now delete the entry on the old one.
notice-moved-slow = Your new phone is set up, but its clock is about 30 seconds slow. Please set its date and time to automatic. You can now delete the entry on the old phone.
notice-moved-fast = Your new phone is set up, but its clock is about 30 seconds fast. Please set its date and time to automatic. You can now delete the entry on the old phone.
notice-revoked = The app password is revoked. Whoever used it cannot log in with it any more.
notice-sign-in-ended = The sign-in has ended. That program has to log in with password and code again.
notice-browser-ended = That browser has been logged out of this panel.
notice-all-ended = All sign-ins have ended, except this one to the panel.

# -- pages for what does not work
unavailable-title = Not available
unavailable-text = Something that is needed does not answer. Please look in a minute whether your change was made, and try again.
stale-title = Please try again
stale-text = This form is of an earlier login. Nothing was changed. Please open the page again.
bad-form-title = Not understood
bad-form-text = This form could not be read. Nothing was changed.
not-found-title = Page not found
not-found-text = There is nothing at this address.

# -- logging in
login-title = Log in
login-name = E-mail address
login-password = Password
login-refused = That did not work. Please check the e-mail address and the password, and try again.
login-again = That took too long, or too many codes were wrong. Please log in again.
code-title = Your code
code-label = Code from your authenticator app
code-hint = Six digits. Each code works once: if you have just used one, wait for the next.
code-refused = This code was not accepted. Please wait for the next one and type that.
code-other = Log in with another address
recovery-instead = No phone at hand? Use a recovery code
recovery-label = Recovery code
recovery-hint = Ten letters and digits with a dash in the middle. It is used up by this.
code-instead = Use a code from the app

# -- coming by a link
link-title = Settings of your mailbox
link-text = You are about to open the settings of this mailbox:
link-not-yours = Is it not yours? Then close this page.
link-gone-title = This link cannot be used
link-gone = It was used already, it is more than a minute old, or the mailbox was changed meanwhile. Please go back to where you found it and click there again, or log in here.

# -- what is wrong with a code
code-malformed = A code has six digits, such as 189 145.
code-wrong = This code is not right. Please wait for the next one in your app and type that.
code-used = This code was used before. Please wait for the next one in your app.
code-throttled = There were too many wrong codes. Please wait some minutes, then try again.
code-wrong-left = { $left ->
    [one] This code is not right. You can try once more. See that the time on your phone is right.
   *[other] This code is not right. You can try { $left } more times. See that the time on your phone is right.
}
seconds-static = { $seconds ->
    [one] When this page was loaded, the code was good for one more second.
   *[other] When this page was loaded, the code was good for { $seconds } more seconds.
}
seconds-live = The code changes in { $seconds } s

# -- on and off
factor-title = 2-Factor Auth
factor-on = 2-factor authentication is on
factor-off = 2-factor authentication is off
factor-since = Since
factor-used = Latest code:
status-label = Status
status-disabled = Disabled
status-enabled = Enabled
status-hint-on = To switch it off you need a code from your app, or a recovery code.
status-hint-off = The next page tells what you need. Nothing is switched on before you have typed a code.
why-title = What it does
why-text = A stolen password is then not enough to read your mail: logging in also takes a six-digit code that only your phone shows. Mail programs that cannot ask for a code get a password of their own, an app password.
codes-wait = Your new recovery codes are still on the screen.
codes-wait-link = Write them down now
dropped-title = Please start again
dropped-text = Too many codes were wrong, or it took too long. The secret you scanned is void: please delete this entry from your app. Nothing was changed.
start-again = Start again

# -- before you start
before-title = Before you start
before-app = Have an authenticator app
before-app-text = Any app for time-based codes (TOTP) will do, on a phone or in a password manager.
before-app-names = For example Aegis, FreeOTP+, 2FAS, Google Authenticator, Microsoft Authenticator, Apple Passwords, Bitwarden or 1Password.
before-clock = Check the time of your phone
before-clock-text = The codes depend on it. Set date and time to automatic.
before-programs = Think of your mail programs
before-programs-text = Once it is on, the password alone opens your mailbox nowhere. Give each program that keeps your password an app password. In programs that ask each time, type the password and the code behind it, in one go.
before-programs-link = Make app passwords first

# -- the secret
scan-title = Set up your app
scan-step = Scan the picture
scan-text = Open your authenticator app, add an entry and scan this QR code.
scan-picture = QR code with the secret for your authenticator app
scan-link = On this phone: open in the app
scan-by-hand = You cannot scan? Type the secret
scan-by-hand-text = Choose to enter a key in your app, and type this. Spaces and letter case do not matter.
scan-account = Account
scan-kind = Kind
scan-kind-text = Time-based (TOTP), 6 digits, 30 seconds
scan-again = Make a new secret
scan-again-hint = This page can be loaded again until you are done. If the secret was seen by somebody else, make a new one, and delete the entry of the old one from your app.
challenge-step = Type the code
challenge-label = Challenge
challenge-hint = The six digits that your app shows for this entry. If they are about to change, wait for fresh ones.
drift-slow = The clock of your phone is about { $seconds } seconds slow. It works, but please set its date and time to automatic.
drift-fast = The clock of your phone is about { $seconds } seconds fast. It works, but please set its date and time to automatic.

# -- switching off
disable-title = Switch 2-factor authentication off
disable-text = Your password alone will then open your mailbox. Recovery codes become void; app passwords stay.

# -- a new phone
phone-title = A new phone
phone-teaser = Move to another phone or app without switching 2-factor authentication off.
phone-link = Move to a new phone
phone-text = You scan a new secret with the new phone, then type a code of each phone. The old phone's codes count until then. Recovery codes and app passwords stay.
phone-lost = You do not have the old phone any more? A recovery code does in its place.
phone-scan-step = Scan with the new phone
phone-codes-step = Type both codes
phone-codes-text = Nothing is replaced unless both are right.
phone-new-label = Code of the new phone
phone-old-step = And of the old phone

# -- recovery codes
recovery-title = Recovery codes
recovery-text = Each recovery code works once in place of a code of your app, when your phone is lost or broken.
recovery-left = { $left ->
    [one] One of { $of } codes is left.
   *[other] { $left } of { $of } codes are left.
}
recovery-few = Please make new ones soon.
recovery-manage = Manage recovery codes
recovery-off = There are none while 2-factor authentication is off.
recovery-off-link = Switch it on
recovery-new = Make new codes
recovery-new-title = New recovery codes
recovery-new-text = New codes replace all old ones, which become void.
codes-title = Keep your recovery codes
codes-enabled = 2-factor authentication is on.
codes-text = Print these codes or write them down, and keep them apart from your phone. They are shown now and never again.
codes-file = Recovery codes for { $mailbox }. Each works once, in place of the code.
codes-download = Download as a file
codes-print = Print
codes-kept = I have kept these codes in a safe place
codes-kept-missing = Please keep the codes, then tick the box.

# -- app passwords
app-title = App passwords
app-text = An app password opens your mailbox for one mail program, without a code. Make one for each program, so that you can revoke each by itself.
app-none = There are no app passwords.
app-add = Add an app password
app-needs-password = An app password opens your mail, so please log in with your password first. You came here by a link, without it.
app-needs-password-link = Log in with the password
app-waits = Your new app password is still on the screen.
app-waits-link = Show it
app-ended = Expired
app-services = For
app-services-hint = Tick what it is to be used for. None ticked means all of them.
app-networks = Only from
app-begins = Begins with
app-created = Made
app-expires = Expires
app-expires-never = Never
app-expires-month = In 30 days
app-expires-quarter = In 90 days
app-expires-year = In a year
app-revoke = Revoke
app-revoke-title = Revoke an app password
app-revoke-text = The program that uses the app password “{ $name }” will not be able to log in any more. This cannot be undone.
app-new-title = New app password
app-name = Name
app-name-hint = What it is for, such as “Thunderbird on the laptop”.
app-name-wrong = A name has at least one character and at most { $most } bytes, without quotation marks and backslashes.
app-too-many = { $most ->
    [one] A mailbox has at most one app password. Please revoke it first.
   *[other] A mailbox has at most { $most } app passwords. Please revoke one that is not used any more.
}
app-make = Make it
app-shown-title = Your new app password
app-shown-text = Type or paste this in place of your password in “{ $name }”.
app-shown-once = It is shown now and never again. You need not remember it: the program does.
app-user = User name
app-kept = Done

# -- services
service-imap = Reading mail (IMAP)
service-pop3 = Fetching mail (POP3)
service-smtp = Sending mail (SMTP)
service-sieve = Mail filters (ManageSieve)
service-panel = This panel
service-webmail = Webmail
service-all = Everything

# -- mail programs
programs-title = Where to put it
programs-text = The user name is your e-mail address. Server names and ports stay as they are.
program-thunderbird = Settings, Privacy & Security, Saved Passwords: remove the entries of this mailbox. Get messages, and give the app password when asked; the same when you send for the first time. The authentication method is “Normal password”.
program-apple-mail = iPhone and iPad: Settings, Apps, Mail, Mail Accounts, your account, Account Settings; replace the password, and the one of the outgoing mail server too. Mac: System Settings, Internet Accounts, your account.
program-outlook = File, Account Settings, Manage Profiles or “Update Password”; replace the password. In the new Outlook and on phones: remove the account and add it again with the app password.
program-k9 = Account settings, Fetching mail, Incoming server, then Sending mail, Outgoing server: replace the password in both. FairEmail: Settings, manual setup, Accounts and Identities.
program-gmail = Account settings of this mailbox, Incoming settings and Outgoing settings: replace the password in both. If the app offers neither, remove the account and add it again as “Other”.

# -- sign-ins
sign-ins-title = Sign-ins
sign-ins-text = Mail programs and webmail that logged in with password and code, and stay logged in for a while without a new code.
sign-ins-none = No program is signed in with a code.
sign-in-opened = Signed in
sign-in-ends = Ends
sign-in-end = End
browsers-text = Browsers that are logged in to this panel:
browsers-more = Only the latest { $count } are shown.
browser-own = This browser
browser-other = Another browser
browser-by-link = Opened by a link of your provider.
sign-ins-all-title = Something is not yours?
sign-ins-all-text = End all sign-ins, and change your password. This also logs other browsers out of this panel. App passwords keep working: revoke those that you do not know.
sign-ins-all = End all sign-ins

# -- what the host asks
policy-required = Your mail provider requires 2-factor authentication.
policy-required-now = Your mail provider requires 2-factor authentication. Until you switch it on, your mailbox can be opened on these pages only.
policy-required-from = Your mail provider requires 2-factor authentication from
policy-days-left = { $days ->
    [one] One day is left.
   *[other] { $days } days are left.
}
policy-off = Your mail provider does not offer 2-factor authentication for this mailbox.
disable-required = Your mail provider requires 2-factor authentication: when it is off, your mailbox can be opened on these pages only.
before-programs-seen = These have logged in with your password alone lately, and will need an app password:

# -- recent activity
menu-activity = Recent activity
activity-title = Recent activity
activity-text = Who logged in or tried to, and what was changed.
activity-none = Nothing is known yet.
activity-older = Older
wrong-codes = { $count ->
    [one] Somebody has typed your right password and a wrong code. Last:
   *[other] Somebody has typed your right password and a wrong code { $count } times. Last:
}
wrong-codes-advice = If that was not you, change your password.
event-password = Logged in with the password
event-code = Logged in with password and code
event-recovery = Logged in with password and a recovery code
event-session = Logged in again, within an earlier sign-in
event-app-password = Logged in with an app password
event-webmail-token = Logged in by webmail
event-webmail-password = Right password at the webmail; the code was asked
event-webmail-ended = Webmail has to log in again: its time was over
event-webmail-left = Logged out of webmail
event-accepted = Logged in
event-panel-code = A code was given for a change at this panel
event-panel-recovery = A recovery code was used up for a change at this panel
event-panel-password = Right password at this panel; the code was asked
event-wrong-password = Refused: wrong password
event-missing-code = Refused: no code behind the password
event-wrong-code = Refused: right password, wrong code
event-used-code = Refused: right password, and a code that was used before
event-throttled = Refused: too many failures, not everything was looked at
event-locked = Refused: the mailbox is locked
event-app-wrong = Refused: wrong app password
event-app-expired = Refused: an app password that has expired
event-app-scope = Refused: an app password that is not for this use or not from there
event-refused = Refused
event-unavailable = Not let in: the server could not check it just then
event-more = { $count ->
    [one] One more event, not kept in detail
   *[other] { $count } more events, not kept in detail
}
event-or-later = or later (the server did not know the time)
event-advice = Was that you? Then wait for a fresh code next time. If not, somebody knows your password: change it.
event-started = A secret for an authenticator app was made
event-enabled = 2-factor authentication was switched on
event-disabled = 2-factor authentication was switched off
event-confirm-wrong = A wrong code was typed while setting up an app
event-moved = Moved to a new phone
event-app-added = An app password was made
event-app-revoked = An app password was revoked
event-recovery-new = New recovery codes were made
event-session-ended = A sign-in was ended
event-all-ended = All sign-ins were ended
event-link-made = A link to this panel was made
event-link-followed = This panel was opened by a link
event-made = The mailbox was made
event-password-set = The password was changed
event-lock = The mailbox was locked
event-unlock = The lock was taken off
event-policy = What is required of this mailbox was changed
event-changed = A setting was changed
event-by-owner = at this panel
event-by-administrator = by the administrator
