# The texts of the User Panel, Dutch.
language-name = Nederlands
choose-language = Taal
skip-to-content = Naar de inhoud
menu-label = Menu
menu-factor = Aanmelden in twee stappen
menu-app-passwords = App-wachtwoorden
menu-sign-ins = Aanmeldingen
menu-recovery-codes = Herstelcodes
log-out = Afmelden
log-in = Aanmelden
save-button = Opslaan
next-button = Volgende
cancel-button = Annuleren
continue-button = Doorgaan
copy-button = Kopiëren
copy-done = Gekopieerd
to-the-start = Naar de beginpagina
error-prefix = Fout:
form-refused = Dat is niet gelukt. Hieronder staat wat er niet klopt.
last-used = Laatst gebruikt
never-used = Nooit

notice-ended = U bent afgemeld, omdat er enige tijd voorbij is of omdat de aanmeldingen van dit postvak zijn beëindigd. Meld u opnieuw aan.
notice-logged-out = U bent afgemeld.
notice-unchanged = Het is al zo. Er is niets gewijzigd.
notice-enabled = Aanmelden in twee stappen staat aan. Vanaf nu vraagt uw postvak om een code.
notice-disabled = Aanmelden in twee stappen staat uit. U kunt het item van dit postvak nu uit uw authenticator-app verwijderen; uw herstelcodes zijn ongeldig.
notice-moved = Uw nieuwe telefoon is ingesteld. U kunt het item op de oude nu verwijderen.
notice-moved-slow = Uw nieuwe telefoon is ingesteld, maar de klok loopt ongeveer 30 seconden achter. Zet datum en tijd op automatisch. U kunt het item op de oude telefoon nu verwijderen.
notice-moved-fast = Uw nieuwe telefoon is ingesteld, maar de klok loopt ongeveer 30 seconden voor. Zet datum en tijd op automatisch. U kunt het item op de oude telefoon nu verwijderen.
notice-revoked = Het app-wachtwoord is ingetrokken. Niemand kan zich er nog mee aanmelden.
notice-sign-in-ended = De aanmelding is beëindigd. Dat programma moet zich opnieuw met wachtwoord en code aanmelden.
notice-browser-ended = Die browser is afgemeld van deze pagina’s.
notice-all-ended = Alle aanmeldingen zijn beëindigd, behalve deze hier.

unavailable-title = Niet beschikbaar
unavailable-text = Iets wat nodig is, antwoordt niet. Kijk over een minuut of uw wijziging is gemaakt en probeer het opnieuw.
stale-title = Probeer het opnieuw
stale-text = Dit formulier hoort bij een eerdere aanmelding. Er is niets gewijzigd. Open de pagina opnieuw.
bad-form-title = Niet begrepen
bad-form-text = Dit formulier kon niet worden gelezen. Er is niets gewijzigd.
not-found-title = Pagina niet gevonden
not-found-text = Er is niets op dit adres.

login-title = Aanmelden
login-name = E-mailadres
login-password = Wachtwoord
login-refused = Dat is niet gelukt. Controleer e-mailadres en wachtwoord en probeer het opnieuw.
login-again = Dat duurde te lang, of er waren te veel onjuiste codes. Meld u opnieuw aan.
code-title = Uw code
code-label = Code uit uw authenticator-app
code-hint = Zes cijfers. Elke code werkt één keer: hebt u er net een gebruikt, wacht dan op de volgende.
code-refused = Deze code is niet geaccepteerd. Wacht op de volgende en typ die.
code-other = Aanmelden met een ander adres
recovery-instead = Geen telefoon bij de hand? Gebruik een herstelcode
recovery-label = Herstelcode
recovery-hint = Tien letters en cijfers met een streepje in het midden. De code wordt hiermee verbruikt.
code-instead = Een code uit de app gebruiken

link-title = Instellingen van uw postvak
link-text = U gaat dit postvak beheren:
link-not-yours = Is dit niet van u? Sluit dan deze pagina.
link-gone-title = Deze link kan niet worden gebruikt
link-gone = De link is al gebruikt, is ouder dan een minuut, of het postvak is intussen gewijzigd. Ga terug naar waar u de link vond en klik daar opnieuw, of meld u hier aan.

code-malformed = Een code heeft zes cijfers, zoals 189 145.
code-wrong = Deze code klopt niet. Wacht op de volgende in uw app en typ die.
code-used = Deze code is al gebruikt. Wacht op de volgende in uw app.
code-throttled = Er waren te veel onjuiste codes. Wacht enkele minuten en probeer het dan opnieuw.
code-wrong-left = { $left ->
    [one] Deze code klopt niet. U kunt het nog één keer proberen. Controleer of de tijd van uw telefoon juist is.
   *[other] Deze code klopt niet. U kunt het nog { $left } keer proberen. Controleer of de tijd van uw telefoon juist is.
}
seconds-static = { $seconds ->
    [one] Toen deze pagina werd geladen, was de code nog één seconde geldig.
   *[other] Toen deze pagina werd geladen, was de code nog { $seconds } seconden geldig.
}
seconds-live = De code verandert over { $seconds } s

factor-title = Aanmelden in twee stappen
factor-on = Aanmelden in twee stappen staat aan
factor-off = Aanmelden in twee stappen staat uit
factor-since = Sinds
factor-used = Laatste code:
status-label = Status
status-disabled = Uitgeschakeld
status-enabled = Ingeschakeld
status-hint-on = Om het uit te schakelen hebt u een code uit uw app of een herstelcode nodig.
status-hint-off = De volgende pagina zegt wat u nodig hebt. Er wordt niets ingeschakeld voordat u een code hebt getypt.
why-title = Wat het doet
why-text = Een gestolen wachtwoord is dan niet genoeg om uw e-mail te lezen: bij het aanmelden hoort ook een code van zes cijfers die alleen uw telefoon toont. E-mailprogramma’s die niet om een code kunnen vragen, krijgen een eigen wachtwoord, een app-wachtwoord.
codes-wait = Uw nieuwe herstelcodes staan nog op het scherm.
codes-wait-link = Schrijf ze nu op
dropped-title = Begin opnieuw
dropped-text = Er waren te veel onjuiste codes, of het duurde te lang. Het gescande geheim is ongeldig: verwijder dit item uit uw app. Er is niets gewijzigd.
start-again = Opnieuw beginnen

before-title = Voordat u begint
before-app = Zorg voor een authenticator-app
before-app-text = Elke app voor tijdgebonden codes (TOTP) is goed, op een telefoon of in een wachtwoordbeheerder.
before-app-names = Bijvoorbeeld Aegis, FreeOTP+, 2FAS, Google Authenticator, Microsoft Authenticator, Apple Wachtwoorden, Bitwarden of 1Password.
before-clock = Controleer de tijd van uw telefoon
before-clock-text = De codes hangen ervan af. Zet datum en tijd op automatisch.
before-programs = Denk aan uw e-mailprogramma’s
before-programs-text = Zodra het aanstaat, opent het wachtwoord alleen uw postvak nergens meer. Geef elk programma dat uw wachtwoord bewaart een app-wachtwoord. In programma’s die er elke keer om vragen, typt u het wachtwoord met de code er direct achter.
before-programs-link = Maak eerst app-wachtwoorden

scan-title = Uw app instellen
scan-step = Scan de afbeelding
scan-text = Open uw authenticator-app, voeg een item toe en scan deze QR-code.
scan-picture = QR-code met het geheim voor uw authenticator-app
scan-link = Op deze telefoon: openen in de app
scan-by-hand = Kunt u niet scannen? Typ het geheim
scan-by-hand-text = Kies in uw app voor het invoeren van een sleutel en typ dit. Spaties en hoofdletters maken niet uit.
scan-account = Account
scan-kind = Soort
scan-kind-text = Tijdgebonden (TOTP), 6 cijfers, 30 seconden
scan-again = Nieuw geheim maken
scan-again-hint = Deze pagina kan opnieuw worden geladen tot u klaar bent. Heeft iemand anders het geheim gezien, maak dan een nieuw en verwijder het item van het oude uit uw app.
challenge-step = Typ de code
challenge-label = Controlecode
challenge-hint = De zes cijfers die uw app voor dit item toont. Veranderen ze bijna, wacht dan op nieuwe.
drift-slow = De klok van uw telefoon loopt ongeveer { $seconds } seconden achter. Het werkt, maar zet datum en tijd op automatisch.
drift-fast = De klok van uw telefoon loopt ongeveer { $seconds } seconden voor. Het werkt, maar zet datum en tijd op automatisch.

disable-title = Aanmelden in twee stappen uitschakelen
disable-text = Daarna opent uw wachtwoord alleen uw postvak. Herstelcodes worden ongeldig; app-wachtwoorden blijven.

phone-title = Een nieuwe telefoon
phone-teaser = Overstappen naar een andere telefoon of app zonder aanmelden in twee stappen uit te schakelen.
phone-link = Overstappen naar een nieuwe telefoon
phone-text = U scant een nieuw geheim met de nieuwe telefoon en typt dan een code van elke telefoon. Tot dan gelden de codes van de oude. Herstelcodes en app-wachtwoorden blijven.
phone-lost = Hebt u de oude telefoon niet meer? Een herstelcode is ook goed.
phone-scan-step = Scan met de nieuwe telefoon
phone-codes-step = Typ beide codes
phone-codes-text = Er wordt niets vervangen als niet beide juist zijn.
phone-new-label = Code van de nieuwe telefoon
phone-old-step = En van de oude telefoon

recovery-title = Herstelcodes
recovery-text = Elke herstelcode werkt één keer in plaats van een code uit uw app, als uw telefoon kwijt of kapot is.
recovery-left = { $left ->
    [one] Er is nog één van { $of } codes over.
   *[other] Er zijn nog { $left } van { $of } codes over.
}
recovery-few = Maak binnenkort nieuwe.
recovery-manage = Herstelcodes beheren
recovery-off = Die zijn er niet zolang aanmelden in twee stappen uitstaat.
recovery-off-link = Inschakelen
recovery-new = Nieuwe codes maken
recovery-new-title = Nieuwe herstelcodes
recovery-new-text = Nieuwe codes vervangen alle oude; die worden ongeldig.
codes-title = Bewaar uw herstelcodes
codes-enabled = Aanmelden in twee stappen staat aan.
codes-text = Druk deze codes af of schrijf ze op, en bewaar ze apart van uw telefoon. Ze worden nu getoond en nooit meer.
codes-file = Herstelcodes voor { $mailbox }. Elke werkt één keer, in plaats van de code.
codes-download = Als bestand downloaden
codes-print = Afdrukken
codes-kept = Ik heb deze codes veilig bewaard
codes-kept-missing = Bewaar de codes en zet dan het vinkje.

app-title = App-wachtwoorden
app-text = Een app-wachtwoord opent uw postvak voor één e-mailprogramma, zonder code. Maak er voor elk programma een, zodat u elk apart kunt intrekken.
app-none = Er zijn geen app-wachtwoorden.
app-add = App-wachtwoord toevoegen
app-needs-password = Een app-wachtwoord opent uw e-mail, meld u daarom eerst met uw wachtwoord aan. U bent hier via een link gekomen, zonder wachtwoord.
app-needs-password-link = Aanmelden met het wachtwoord
app-waits = Uw nieuwe app-wachtwoord staat nog op het scherm.
app-waits-link = Tonen
app-ended = Verlopen
app-services = Voor
app-services-hint = Vink aan waarvoor het wordt gebruikt. Zonder vinkje geldt het voor alles.
app-networks = Alleen vanaf
app-begins = Begint met
app-created = Gemaakt
app-expires = Verloopt
app-expires-never = Nooit
app-expires-month = Over 30 dagen
app-expires-quarter = Over 90 dagen
app-expires-year = Over een jaar
app-revoke = Intrekken
app-revoke-title = App-wachtwoord intrekken
app-revoke-text = Het programma dat het app-wachtwoord ‘{ $name }’ gebruikt, kan zich dan niet meer aanmelden. Dit kan niet ongedaan worden gemaakt.
app-new-title = Nieuw app-wachtwoord
app-name = Naam
app-name-hint = Waarvoor het is, zoals ‘Thunderbird op de laptop’.
app-name-wrong = Een naam heeft ten minste één teken en ten hoogste { $most } bytes, zonder aanhalingstekens en backslashes.
app-too-many = { $most ->
    [one] Een postvak heeft ten hoogste één app-wachtwoord. Trek dat eerst in.
   *[other] Een postvak heeft ten hoogste { $most } app-wachtwoorden. Trek er een in dat niet meer wordt gebruikt.
}
app-make = Maken
app-shown-title = Uw nieuwe app-wachtwoord
app-shown-text = Typ of plak dit in ‘{ $name }’ in plaats van uw wachtwoord.
app-shown-once = Het wordt nu getoond en nooit meer. U hoeft het niet te onthouden: dat doet het programma.
app-user = Gebruikersnaam
app-kept = Klaar

service-imap = E-mail lezen (IMAP)
service-pop3 = E-mail ophalen (POP3)
service-smtp = E-mail verzenden (SMTP)
service-sieve = Filterregels (ManageSieve)
service-panel = Deze pagina’s
service-webmail = Webmail
service-all = Alles

programs-title = Waar het hoort
programs-text = De gebruikersnaam is uw e-mailadres. Servernamen en poorten blijven zoals ze zijn.
program-thunderbird = Instellingen, Privacy & Beveiliging, Opgeslagen wachtwoorden: verwijder de items van dit postvak. Haal berichten op en geef het app-wachtwoord wanneer erom wordt gevraagd; ook als u voor het eerst verzendt. De authenticatiemethode is ‘Normaal wachtwoord’.
program-apple-mail = iPhone en iPad: Instellingen, Apps, Mail, Mailaccounts, uw account, Accountinstellingen; vervang het wachtwoord, ook dat van de server voor uitgaande e-mail. Mac: Systeeminstellingen, Internetaccounts, uw account.
program-outlook = Bestand, Accountinstellingen, Profielen beheren of ‘Wachtwoord bijwerken’; vervang het wachtwoord. In de nieuwe Outlook en op telefoons: verwijder het account en voeg het met het app-wachtwoord opnieuw toe.
program-k9 = Accountinstellingen, Berichten ophalen, Server voor inkomende e-mail, daarna Berichten verzenden, Server voor uitgaande e-mail: vervang het wachtwoord in beide. FairEmail: Instellingen, handmatige instelling, Accounts en Identiteiten.
program-gmail = Accountinstellingen van dit postvak, instellingen voor inkomende en uitgaande e-mail: vervang het wachtwoord in beide. Biedt de app dat niet, verwijder het account dan en voeg het opnieuw toe als ‘Overig’.

sign-ins-title = Aanmeldingen
sign-ins-text = E-mailprogramma’s en webmail die zich met wachtwoord en code hebben aangemeld en een tijd zonder nieuwe code aangemeld blijven.
sign-ins-none = Geen programma is met een code aangemeld.
sign-in-opened = Aangemeld
sign-in-ends = Eindigt
sign-in-end = Beëindigen
browsers-text = Browsers die op deze pagina’s zijn aangemeld:
browsers-more = Alleen de laatste { $count } worden getoond.
browser-own = Deze browser
browser-other = Een andere browser
browser-by-link = Geopend via een link van uw provider.
sign-ins-all-title = Staat er iets bij dat niet van u is?
sign-ins-all-text = Beëindig alle aanmeldingen en wijzig uw wachtwoord. Dat meldt ook andere browsers af van deze pagina’s. App-wachtwoorden blijven werken: trek de wachtwoorden in die u niet kent.
sign-ins-all = Alle aanmeldingen beëindigen

policy-required = Uw e-mailaanbieder verlangt aanmelden in twee stappen.
policy-required-now = Uw e-mailaanbieder verlangt aanmelden in twee stappen. Tot u het inschakelt, is uw postvak alleen op deze pagina’s te openen.
policy-required-from = Uw e-mailaanbieder verlangt aanmelden in twee stappen vanaf
policy-days-left = { $days ->
    [one] Nog één dag.
   *[other] Nog { $days } dagen.
}
policy-off = Uw e-mailaanbieder biedt voor dit postvak geen aanmelden in twee stappen aan.
disable-required = Uw e-mailaanbieder verlangt aanmelden in twee stappen: staat het uit, dan is uw postvak alleen op deze pagina’s te openen.
before-programs-seen = Deze hebben zich onlangs met alleen uw wachtwoord aangemeld en hebben dan een app-wachtwoord nodig:

menu-activity = Recente activiteit
activity-title = Recente activiteit
activity-text = Wie zich aanmeldde of het probeerde, en wat er is gewijzigd.
activity-none = Er is nog niets bekend.
activity-older = Ouder
wrong-codes = { $count ->
    [one] Iemand heeft uw juiste wachtwoord en een onjuiste code getypt. Laatst:
   *[other] Iemand heeft { $count } keer uw juiste wachtwoord en een onjuiste code getypt. Laatst:
}
wrong-codes-advice = Was u dat niet, wijzig dan uw wachtwoord.
event-password = Aangemeld met het wachtwoord
event-code = Aangemeld met wachtwoord en code
event-recovery = Aangemeld met wachtwoord en een herstelcode
event-session = Opnieuw aangemeld, binnen een eerdere aanmelding
event-app-password = Aangemeld met een app-wachtwoord
event-webmail-token = Aangemeld door webmail
event-webmail-password = Juist wachtwoord bij de webmail; de code werd gevraagd
event-webmail-ended = Webmail moet zich opnieuw aanmelden: de tijd was om
event-webmail-left = Afgemeld bij webmail
event-accepted = Aangemeld
event-panel-code = Er is een code gegeven voor een wijziging op deze pagina’s
event-panel-recovery = Er is een herstelcode gebruikt voor een wijziging op deze pagina’s
event-panel-password = Juist wachtwoord op deze pagina’s; de code werd gevraagd
event-wrong-password = Geweigerd: onjuist wachtwoord
event-missing-code = Geweigerd: geen code achter het wachtwoord
event-wrong-code = Geweigerd: juist wachtwoord, onjuiste code
event-used-code = Geweigerd: juist wachtwoord, en een code die al was gebruikt
event-throttled = Geweigerd: te veel mislukkingen, niet alles is gecontroleerd
event-locked = Geweigerd: het postvak is geblokkeerd
event-app-wrong = Geweigerd: onjuist app-wachtwoord
event-app-expired = Geweigerd: een verlopen app-wachtwoord
event-app-scope = Geweigerd: een app-wachtwoord dat hiervoor of vanaf die plek niet geldt
event-refused = Geweigerd
event-unavailable = Niet toegelaten: de server kon het op dat moment niet controleren
event-more = { $count ->
    [one] Nog één gebeurtenis, niet afzonderlijk bewaard
   *[other] Nog { $count } gebeurtenissen, niet afzonderlijk bewaard
}
event-or-later = of later (de server wist niet hoe laat het was)
event-advice = Was u dat? Wacht de volgende keer op een nieuwe code. Zo niet, dan kent iemand uw wachtwoord: wijzig het.
event-started = Er is een geheim voor een authenticator-app gemaakt
event-enabled = Aanmelden in twee stappen is ingeschakeld
event-disabled = Aanmelden in twee stappen is uitgeschakeld
event-confirm-wrong = Bij het instellen van een app is een onjuiste code getypt
event-moved = Overgestapt naar een nieuwe telefoon
event-app-added = Er is een app-wachtwoord gemaakt
event-app-revoked = Er is een app-wachtwoord ingetrokken
event-recovery-new = Er zijn nieuwe herstelcodes gemaakt
event-session-ended = Er is een aanmelding beëindigd
event-all-ended = Alle aanmeldingen zijn beëindigd
event-link-made = Er is een link naar deze pagina’s gemaakt
event-link-followed = Deze pagina’s zijn via een link geopend
event-made = Het postvak is aangemaakt
event-password-set = Het wachtwoord is gewijzigd
event-lock = Het postvak is geblokkeerd
event-unlock = De blokkering is opgeheven
event-policy = Wat voor dit postvak verplicht is, is gewijzigd
event-changed = Er is een instelling gewijzigd
event-by-owner = op deze pagina’s
event-by-administrator = door de beheerder
