# The texts of the User Panel, English. Each message is a text on a page; { $names } are filled in.
language-name = English
choose-language = Language
skip-to-content = Skip to the content
menu = Menu
menu-factor = 2-Factor Auth
menu-app-passwords = App passwords
menu-sign-ins = Sign-ins
menu-recovery-codes = Recovery codes
log-out = Log out
log-in = Log in

unavailable-title = Not available
unavailable = Something that is needed does not answer. Nothing was changed; please try again in a minute.

login-title = Log in
login-name = E-mail address
login-password = Password
login-refused = That did not work. Please check the e-mail address and the password, and try again.
login-again = That took too long, or too many codes were wrong. Please log in again.

code-title = Your code
code-label = Code from your authenticator app
code-hint = Six digits. No phone at hand? Type one of your recovery codes.
code-refused = This code was not accepted. Please wait for the next one and type it.
code-other = Log in with another address

factor-title = 2-Factor Auth
factor-on = 2-factor authentication is on.
factor-off = 2-factor authentication is off.
