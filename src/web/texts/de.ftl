# The texts of the User Panel, German.
language-name = Deutsch
choose-language = Sprache
skip-to-content = Zum Inhalt springen
menu-label = Menü
menu-factor = Zwei-Faktor-Anmeldung
menu-app-passwords = App-Passwörter
menu-sign-ins = Anmeldungen
menu-recovery-codes = Wiederherstellungscodes
log-out = Abmelden
log-in = Anmelden
save-button = Speichern
next-button = Weiter
cancel-button = Abbrechen
continue-button = Weiter
copy-button = Kopieren
copy-done = Kopiert
to-the-start = Zur Startseite
error-prefix = Fehler:
form-refused = Das hat nicht geklappt. Unten steht, was nicht stimmt.
last-used = Zuletzt benutzt
never-used = Nie

notice-ended = Sie wurden abgemeldet, weil einige Zeit vergangen ist oder weil die Anmeldungen dieses Postfachs beendet wurden. Bitte melden Sie sich neu an.
notice-logged-out = Sie sind abgemeldet.
notice-unchanged = Es ist schon so. Es wurde nichts geändert.
notice-enabled = Die Zwei-Faktor-Anmeldung ist eingeschaltet. Ab jetzt fragt Ihr Postfach nach einem Code.
notice-disabled = Die Zwei-Faktor-Anmeldung ist ausgeschaltet. Sie können den Eintrag dieses Postfachs jetzt aus Ihrer Authenticator-App löschen; Ihre Wiederherstellungscodes sind ungültig.
notice-moved = Ihr neues Telefon ist eingerichtet. Sie können den Eintrag auf dem alten jetzt löschen.
notice-moved-slow = Ihr neues Telefon ist eingerichtet, aber seine Uhr geht etwa 30 Sekunden nach. Bitte stellen Sie Datum und Uhrzeit auf automatisch. Sie können den Eintrag auf dem alten Telefon jetzt löschen.
notice-moved-fast = Ihr neues Telefon ist eingerichtet, aber seine Uhr geht etwa 30 Sekunden vor. Bitte stellen Sie Datum und Uhrzeit auf automatisch. Sie können den Eintrag auf dem alten Telefon jetzt löschen.
notice-revoked = Das App-Passwort ist widerrufen. Damit kann sich niemand mehr anmelden.
notice-sign-in-ended = Die Anmeldung ist beendet. Das Programm muss sich neu mit Passwort und Code anmelden.
notice-browser-ended = Der andere Browser wurde von diesen Seiten abgemeldet.
notice-all-ended = Alle Anmeldungen sind beendet, außer dieser hier.

unavailable-title = Nicht verfügbar
unavailable-text = Etwas, das gebraucht wird, antwortet nicht. Bitte sehen Sie in einer Minute nach, ob Ihre Änderung gemacht wurde, und versuchen Sie es noch einmal.
stale-title = Bitte noch einmal
stale-text = Dieses Formular gehört zu einer früheren Anmeldung. Es wurde nichts geändert. Bitte öffnen Sie die Seite neu.
bad-form-title = Nicht verstanden
bad-form-text = Dieses Formular konnte nicht gelesen werden. Es wurde nichts geändert.
not-found-title = Seite nicht gefunden
not-found-text = Unter dieser Adresse gibt es nichts.

login-title = Anmelden
login-name = E-Mail-Adresse
login-password = Passwort
login-refused = Das hat nicht geklappt. Bitte prüfen Sie E-Mail-Adresse und Passwort und versuchen Sie es noch einmal.
login-again = Das hat zu lange gedauert, oder zu viele Codes waren falsch. Bitte melden Sie sich neu an.
code-title = Ihr Code
code-label = Code aus Ihrer Authenticator-App
code-hint = Sechs Ziffern. Jeder Code gilt einmal: Wenn Sie gerade einen benutzt haben, warten Sie auf den nächsten.
code-refused = Dieser Code wurde nicht angenommen. Bitte warten Sie auf den nächsten und geben Sie diesen ein.
code-other = Mit einer anderen Adresse anmelden
recovery-instead = Kein Telefon zur Hand? Wiederherstellungscode benutzen
recovery-label = Wiederherstellungscode
recovery-hint = Zehn Buchstaben und Ziffern mit einem Bindestrich in der Mitte. Er wird dabei verbraucht.
code-instead = Code aus der App benutzen

link-title = Einstellungen Ihres Postfachs
link-text = Sie öffnen die Einstellungen dieses Postfachs:
link-not-yours = Es ist nicht Ihres? Dann schließen Sie diese Seite.
link-gone-title = Dieser Link kann nicht benutzt werden
link-gone = Er wurde schon benutzt, ist älter als eine Minute, oder das Postfach wurde inzwischen geändert. Bitte gehen Sie dorthin zurück, wo Sie ihn gefunden haben, und klicken Sie dort noch einmal, oder melden Sie sich hier an.

code-malformed = Ein Code hat sechs Ziffern, zum Beispiel 189 145.
code-wrong = Dieser Code ist nicht richtig. Bitte warten Sie auf den nächsten in Ihrer App und geben Sie diesen ein.
code-used = Dieser Code wurde schon benutzt. Bitte warten Sie auf den nächsten in Ihrer App.
code-throttled = Es gab zu viele falsche Codes. Bitte warten Sie einige Minuten und versuchen Sie es dann noch einmal.
code-wrong-left = { $left ->
    [one] Dieser Code ist nicht richtig. Sie haben noch einen Versuch. Prüfen Sie, ob die Uhrzeit Ihres Telefons stimmt.
   *[other] Dieser Code ist nicht richtig. Sie haben noch { $left } Versuche. Prüfen Sie, ob die Uhrzeit Ihres Telefons stimmt.
}
seconds-static = { $seconds ->
    [one] Als diese Seite geladen wurde, galt der Code noch eine Sekunde.
   *[other] Als diese Seite geladen wurde, galt der Code noch { $seconds } Sekunden.
}
seconds-live = Der Code wechselt in { $seconds } s

factor-title = Zwei-Faktor-Anmeldung
factor-on = Die Zwei-Faktor-Anmeldung ist eingeschaltet
factor-off = Die Zwei-Faktor-Anmeldung ist ausgeschaltet
factor-since = Seit
factor-used = Letzter Code:
status-label = Status
status-disabled = Ausgeschaltet
status-enabled = Eingeschaltet
status-hint-on = Zum Ausschalten brauchen Sie einen Code aus Ihrer App oder einen Wiederherstellungscode.
status-hint-off = Die nächste Seite sagt, was Sie brauchen. Nichts wird eingeschaltet, bevor Sie einen Code eingegeben haben.
why-title = Was das bringt
why-text = Ein gestohlenes Passwort reicht dann nicht mehr, um Ihre Post zu lesen: Zum Anmelden gehört auch ein sechsstelliger Code, den nur Ihr Telefon zeigt. Mailprogramme, die nicht nach einem Code fragen können, bekommen ein eigenes Passwort, ein App-Passwort.
codes-wait = Ihre neuen Wiederherstellungscodes sind noch auf dem Bildschirm.
codes-wait-link = Jetzt aufschreiben
dropped-title = Bitte von vorn beginnen
dropped-text = Zu viele Codes waren falsch, oder es hat zu lange gedauert. Das gescannte Geheimnis ist ungültig: Bitte löschen Sie diesen Eintrag aus Ihrer App. Es wurde nichts geändert.
start-again = Von vorn beginnen

before-title = Bevor Sie beginnen
before-app = Eine Authenticator-App bereithalten
before-app-text = Jede App für zeitbasierte Codes (TOTP) ist geeignet, auf einem Telefon oder in einem Passwortmanager.
before-app-names = Zum Beispiel Aegis, FreeOTP+, 2FAS, Google Authenticator, Microsoft Authenticator, Apple Passwörter, Bitwarden oder 1Password.
before-clock = Uhrzeit des Telefons prüfen
before-clock-text = Die Codes hängen davon ab. Stellen Sie Datum und Uhrzeit auf automatisch.
before-programs = An Ihre Mailprogramme denken
before-programs-text = Sobald sie eingeschaltet ist, öffnet das Passwort allein Ihr Postfach nirgends mehr. Geben Sie jedem Programm, das sich Ihr Passwort merkt, ein App-Passwort. In Programmen, die jedes Mal fragen, tippen Sie das Passwort und gleich dahinter den Code.
before-programs-link = Zuerst App-Passwörter anlegen

scan-title = App einrichten
scan-step = Bild scannen
scan-text = Öffnen Sie Ihre Authenticator-App, fügen Sie einen Eintrag hinzu und scannen Sie diesen QR-Code.
scan-picture = QR-Code mit dem Geheimnis für Ihre Authenticator-App
scan-link = Auf diesem Telefon: in der App öffnen
scan-by-hand = Scannen geht nicht? Geheimnis eintippen
scan-by-hand-text = Wählen Sie in Ihrer App die Eingabe eines Schlüssels und tippen Sie dies ein. Leerzeichen sowie Groß- und Kleinschreibung spielen keine Rolle.
scan-account = Konto
scan-kind = Art
scan-kind-text = Zeitbasiert (TOTP), 6 Ziffern, 30 Sekunden
scan-again = Neues Geheimnis erzeugen
scan-again-hint = Diese Seite kann neu geladen werden, bis Sie fertig sind. Wenn jemand anderes das Geheimnis gesehen hat, erzeugen Sie ein neues und löschen Sie den Eintrag des alten aus Ihrer App.
challenge-step = Code eingeben
challenge-label = Prüfcode
challenge-hint = Die sechs Ziffern, die Ihre App für diesen Eintrag zeigt. Wenn sie gleich wechseln, warten Sie auf frische.
drift-slow = Die Uhr Ihres Telefons geht etwa { $seconds } Sekunden nach. Es klappt, aber bitte stellen Sie Datum und Uhrzeit auf automatisch.
drift-fast = Die Uhr Ihres Telefons geht etwa { $seconds } Sekunden vor. Es klappt, aber bitte stellen Sie Datum und Uhrzeit auf automatisch.

disable-title = Zwei-Faktor-Anmeldung ausschalten
disable-text = Danach öffnet Ihr Passwort allein Ihr Postfach. Wiederherstellungscodes werden ungültig; App-Passwörter bleiben.

phone-title = Ein neues Telefon
phone-teaser = Zu einem anderen Telefon oder einer anderen App wechseln, ohne die Zwei-Faktor-Anmeldung auszuschalten.
phone-link = Zu einem neuen Telefon wechseln
phone-text = Sie scannen mit dem neuen Telefon ein neues Geheimnis und geben dann von jedem Telefon einen Code ein. Bis dahin gelten die Codes des alten. Wiederherstellungscodes und App-Passwörter bleiben.
phone-lost = Sie haben das alte Telefon nicht mehr? Ein Wiederherstellungscode tut es auch.
phone-scan-step = Mit dem neuen Telefon scannen
phone-codes-step = Beide Codes eingeben
phone-codes-text = Es wird nichts ersetzt, wenn nicht beide richtig sind.
phone-new-label = Code des neuen Telefons
phone-old-step = Und vom alten Telefon

recovery-title = Wiederherstellungscodes
recovery-text = Jeder Wiederherstellungscode gilt einmal anstelle eines Codes Ihrer App, wenn Ihr Telefon verloren oder kaputt ist.
recovery-left = { $left ->
    [one] Einer von { $of } Codes ist übrig.
   *[other] { $left } von { $of } Codes sind übrig.
}
recovery-few = Bitte erzeugen Sie bald neue.
recovery-manage = Wiederherstellungscodes verwalten
recovery-off = Solange die Zwei-Faktor-Anmeldung ausgeschaltet ist, gibt es keine.
recovery-off-link = Einschalten
recovery-new = Neue Codes erzeugen
recovery-new-title = Neue Wiederherstellungscodes
recovery-new-text = Neue Codes ersetzen alle alten; diese werden ungültig.
codes-title = Wiederherstellungscodes aufbewahren
codes-enabled = Die Zwei-Faktor-Anmeldung ist eingeschaltet.
codes-text = Drucken Sie diese Codes aus oder schreiben Sie sie auf, und bewahren Sie sie getrennt von Ihrem Telefon auf. Sie werden jetzt gezeigt und nie wieder.
codes-file = Wiederherstellungscodes für { $mailbox }. Jeder gilt einmal, anstelle des Codes.
codes-download = Als Datei herunterladen
codes-print = Drucken
codes-kept = Ich habe diese Codes sicher aufbewahrt
codes-kept-missing = Bitte bewahren Sie die Codes auf und haken Sie dann das Kästchen an.

app-title = App-Passwörter
app-text = Ein App-Passwort öffnet Ihr Postfach für ein Mailprogramm, ohne Code. Legen Sie für jedes Programm eines an, damit Sie jedes für sich widerrufen können.
app-none = Es gibt keine App-Passwörter.
app-add = App-Passwort hinzufügen
app-needs-password = Ein App-Passwort öffnet Ihre Post, melden Sie sich deshalb bitte zuerst mit Ihrem Passwort an. Sie sind über einen Link hierher gekommen, ohne Passwort.
app-needs-password-link = Mit dem Passwort anmelden
app-waits = Ihr neues App-Passwort ist noch auf dem Bildschirm.
app-waits-link = Anzeigen
app-ended = Abgelaufen
app-services = Für
app-services-hint = Haken Sie an, wofür es benutzt werden soll. Ohne Haken gilt es für alles.
app-networks = Nur von
app-begins = Beginnt mit
app-created = Angelegt
app-expires = Läuft ab
app-expires-never = Nie
app-expires-month = In 30 Tagen
app-expires-quarter = In 90 Tagen
app-expires-year = In einem Jahr
app-revoke = Widerrufen
app-revoke-title = App-Passwort widerrufen
app-revoke-text = Das Programm, das das App-Passwort „{ $name }“ benutzt, kann sich dann nicht mehr anmelden. Das lässt sich nicht rückgängig machen.
app-new-title = Neues App-Passwort
app-name = Name
app-name-hint = Wofür es ist, zum Beispiel „Thunderbird auf dem Laptop“.
app-name-wrong = Ein Name hat mindestens ein Zeichen und höchstens { $most } Byte, ohne Anführungszeichen und umgekehrte Schrägstriche.
app-too-many = { $most ->
    [one] Ein Postfach hat höchstens ein App-Passwort. Bitte widerrufen Sie es zuerst.
   *[other] Ein Postfach hat höchstens { $most } App-Passwörter. Bitte widerrufen Sie eines, das nicht mehr benutzt wird.
}
app-make = Anlegen
app-shown-title = Ihr neues App-Passwort
app-shown-text = Geben Sie dies in „{ $name }“ anstelle Ihres Passworts ein.
app-shown-once = Es wird jetzt gezeigt und nie wieder. Sie müssen es sich nicht merken: Das tut das Programm.
app-user = Benutzername
app-kept = Fertig

service-imap = Post lesen (IMAP)
service-pop3 = Post abholen (POP3)
service-smtp = Post senden (SMTP)
service-sieve = Filterregeln (ManageSieve)
service-panel = Diese Seiten
service-webmail = Webmail
service-all = Alles

programs-title = Wo es hingehört
programs-text = Der Benutzername ist Ihre E-Mail-Adresse. Servernamen und Ports bleiben, wie sie sind.
program-thunderbird = Einstellungen, Datenschutz & Sicherheit, Gespeicherte Passwörter: Entfernen Sie die Einträge dieses Postfachs. Rufen Sie Nachrichten ab und geben Sie auf Nachfrage das App-Passwort ein; ebenso beim ersten Senden. Die Authentifizierungsmethode ist „Passwort, normal“.
program-apple-mail = iPhone und iPad: Einstellungen, Apps, Mail, Mail-Accounts, Ihr Account, Account-Einstellungen; ersetzen Sie das Passwort, auch das des Servers für ausgehende E-Mails. Mac: Systemeinstellungen, Internetaccounts, Ihr Account.
program-outlook = Datei, Kontoeinstellungen, Profile verwalten oder „Kennwort aktualisieren“; ersetzen Sie das Kennwort. Im neuen Outlook und auf Telefonen: Entfernen Sie das Konto und fügen Sie es mit dem App-Passwort neu hinzu.
program-k9 = Kontoeinstellungen, Nachrichtenabruf, Posteingangsserver, dann Nachrichten verfassen, Postausgangsserver: Ersetzen Sie das Passwort in beiden. FairEmail: Einstellungen, manuelle Einrichtung, Konten und Identitäten.
program-gmail = Kontoeinstellungen dieses Postfachs, Einstellungen für Posteingang und Postausgang: Ersetzen Sie das Passwort in beiden. Wenn die App beides nicht anbietet, entfernen Sie das Konto und fügen Sie es als „Sonstige“ neu hinzu.

sign-ins-title = Anmeldungen
sign-ins-text = Mailprogramme und Webmail, die sich mit Passwort und Code angemeldet haben und eine Weile ohne neuen Code angemeldet bleiben.
sign-ins-none = Kein Programm ist mit einem Code angemeldet.
sign-in-opened = Angemeldet
sign-in-ends = Endet
sign-in-end = Beenden
browsers-text = Browser, die auf diesen Seiten angemeldet sind:
browsers-more = Nur die letzten { $count } werden gezeigt.
browser-own = Dieser Browser
browser-other = Ein anderer Browser
browser-by-link = Über einen Link Ihres Anbieters geöffnet.
sign-ins-all-title = Etwas davon ist nicht von Ihnen?
sign-ins-all-text = Beenden Sie alle Anmeldungen und ändern Sie Ihr Passwort. Das meldet auch andere Browser von diesen Seiten ab. App-Passwörter gelten weiter: Widerrufen Sie die, die Sie nicht kennen.
sign-ins-all = Alle Anmeldungen beenden

policy-required = Ihr Mailanbieter verlangt die Zwei-Faktor-Anmeldung.
policy-required-now = Ihr Mailanbieter verlangt die Zwei-Faktor-Anmeldung. Bis Sie sie einschalten, lässt sich Ihr Postfach nur auf diesen Seiten öffnen.
policy-required-from = Ihr Mailanbieter verlangt die Zwei-Faktor-Anmeldung ab
policy-days-left = { $days ->
    [one] Noch ein Tag.
   *[other] Noch { $days } Tage.
}
policy-off = Ihr Mailanbieter bietet für dieses Postfach keine Zwei-Faktor-Anmeldung an.
disable-required = Ihr Mailanbieter verlangt die Zwei-Faktor-Anmeldung: Ist sie ausgeschaltet, lässt sich Ihr Postfach nur auf diesen Seiten öffnen.
before-programs-seen = Diese haben sich in letzter Zeit nur mit Ihrem Passwort angemeldet und brauchen dann ein App-Passwort:

menu-activity = Letzte Vorgänge
activity-title = Letzte Vorgänge
activity-text = Wer sich angemeldet oder es versucht hat und was geändert wurde.
activity-none = Noch ist nichts bekannt.
activity-older = Ältere
wrong-codes = { $count ->
    [one] Jemand hat Ihr richtiges Passwort und einen falschen Code eingegeben. Zuletzt:
   *[other] Jemand hat { $count } Mal Ihr richtiges Passwort und einen falschen Code eingegeben. Zuletzt:
}
wrong-codes-advice = Wenn Sie das nicht waren, ändern Sie Ihr Passwort.
event-password = Mit dem Passwort angemeldet
event-code = Mit Passwort und Code angemeldet
event-recovery = Mit Passwort und einem Wiederherstellungscode angemeldet
event-session = Erneut angemeldet, im Rahmen einer früheren Anmeldung
event-app-password = Mit einem App-Passwort angemeldet
event-webmail-token = Anmeldung durch Webmail
event-webmail-password = Richtiges Passwort beim Webmail; der Code wurde erfragt
event-webmail-ended = Webmail muss sich neu anmelden: die Zeit war um
event-webmail-left = Abmeldung vom Webmail
event-accepted = Angemeldet
event-panel-code = Für eine Änderung auf diesen Seiten wurde ein Code eingegeben
event-panel-recovery = Für eine Änderung auf diesen Seiten wurde ein Wiederherstellungscode verbraucht
event-panel-password = Richtiges Passwort auf diesen Seiten; der Code wurde verlangt
event-wrong-password = Abgewiesen: falsches Passwort
event-missing-code = Abgewiesen: kein Code hinter dem Passwort
event-wrong-code = Abgewiesen: richtiges Passwort, falscher Code
event-used-code = Abgewiesen: richtiges Passwort, schon benutzter Code
event-throttled = Abgewiesen: zu viele Fehlversuche, nicht alles wurde geprüft
event-locked = Abgewiesen: das Postfach ist gesperrt
event-app-wrong = Abgewiesen: falsches App-Passwort
event-app-expired = Abgewiesen: abgelaufenes App-Passwort
event-app-scope = Abgewiesen: App-Passwort, das hierfür oder von dort nicht gilt
event-refused = Abgewiesen
event-unavailable = Nicht eingelassen: der Server konnte es in dem Moment nicht prüfen
event-more = { $count ->
    [one] Ein weiterer Vorgang, nicht einzeln aufbewahrt
   *[other] { $count } weitere Vorgänge, nicht einzeln aufbewahrt
}
event-or-later = oder später (der Server kannte die Zeit nicht)
event-advice = Waren Sie das? Dann warten Sie beim nächsten Mal auf einen frischen Code. Wenn nicht, kennt jemand Ihr Passwort: Ändern Sie es.
event-started = Ein Geheimnis für eine Authenticator-App wurde erzeugt
event-enabled = Die Zwei-Faktor-Anmeldung wurde eingeschaltet
event-disabled = Die Zwei-Faktor-Anmeldung wurde ausgeschaltet
event-confirm-wrong = Beim Einrichten einer App wurde ein falscher Code eingegeben
event-moved = Zu einem neuen Telefon gewechselt
event-app-added = Ein App-Passwort wurde angelegt
event-app-revoked = Ein App-Passwort wurde widerrufen
event-recovery-new = Neue Wiederherstellungscodes wurden erzeugt
event-session-ended = Eine Anmeldung wurde beendet
event-all-ended = Alle Anmeldungen wurden beendet
event-link-made = Ein Link zu diesen Seiten wurde erzeugt
event-link-followed = Diese Seiten wurden über einen Link geöffnet
event-made = Das Postfach wurde angelegt
event-password-set = Das Passwort wurde geändert
event-lock = Das Postfach wurde gesperrt
event-unlock = Die Sperre wurde aufgehoben
event-policy = Was für dieses Postfach vorgeschrieben ist, wurde geändert
event-changed = Eine Einstellung wurde geändert
event-by-owner = auf diesen Seiten
event-by-administrator = durch die Verwaltung
