# The texts of the User Panel, French.
language-name = Français
choose-language = Langue
skip-to-content = Aller au contenu
menu-label = Menu
menu-factor = Double authentification
menu-app-passwords = Mots de passe d’application
menu-sign-ins = Connexions
menu-recovery-codes = Codes de secours
log-out = Se déconnecter
log-in = Se connecter
save-button = Enregistrer
next-button = Suivant
cancel-button = Annuler
continue-button = Continuer
copy-button = Copier
copy-done = Copié
to-the-start = Aller à la page d’accueil
error-prefix = Erreur :
form-refused = Cela n’a pas fonctionné. Voyez ci-dessous ce qui ne va pas.
last-used = Dernière utilisation
never-used = Jamais

notice-ended = Vous avez été déconnecté, parce qu’un certain temps a passé ou que les connexions de cette boîte ont été fermées. Veuillez vous reconnecter.
notice-logged-out = Vous êtes déconnecté.
notice-unchanged = C’est déjà le cas. Rien n’a été modifié.
notice-enabled = La double authentification est activée. Désormais, votre boîte demande un code.
notice-disabled = La double authentification est désactivée. Vous pouvez maintenant supprimer l’entrée de cette boîte de votre application d’authentification ; vos codes de secours ne sont plus valables.
notice-moved = Votre nouveau téléphone est prêt. Vous pouvez maintenant supprimer l’entrée sur l’ancien.
notice-moved-slow = Votre nouveau téléphone est prêt, mais son horloge retarde d’environ 30 secondes. Veuillez régler la date et l’heure sur automatique. Vous pouvez maintenant supprimer l’entrée sur l’ancien téléphone.
notice-moved-fast = Votre nouveau téléphone est prêt, mais son horloge avance d’environ 30 secondes. Veuillez régler la date et l’heure sur automatique. Vous pouvez maintenant supprimer l’entrée sur l’ancien téléphone.
notice-revoked = Le mot de passe d’application est révoqué. Plus personne ne peut se connecter avec lui.
notice-sign-in-ended = La connexion est fermée. Ce logiciel doit se reconnecter avec mot de passe et code.
notice-browser-ended = L’autre navigateur a été déconnecté de ces pages.
notice-all-ended = Toutes les connexions sont fermées, sauf celle-ci.

unavailable-title = Indisponible
unavailable-text = Un élément nécessaire ne répond pas. Regardez dans une minute si votre modification a été faite, puis réessayez.
stale-title = Veuillez réessayer
stale-text = Ce formulaire date d’une connexion précédente. Rien n’a été modifié. Veuillez rouvrir la page.
bad-form-title = Non compris
bad-form-text = Ce formulaire n’a pas pu être lu. Rien n’a été modifié.
not-found-title = Page introuvable
not-found-text = Il n’y a rien à cette adresse.

login-title = Connexion
login-name = Adresse e-mail
login-password = Mot de passe
login-refused = Cela n’a pas fonctionné. Vérifiez l’adresse e-mail et le mot de passe, puis réessayez.
login-again = Cela a pris trop de temps, ou trop de codes étaient faux. Veuillez vous reconnecter.
code-title = Votre code
code-label = Code de votre application d’authentification
code-hint = Six chiffres. Chaque code ne sert qu’une fois : si vous venez d’en utiliser un, attendez le suivant.
code-refused = Ce code n’a pas été accepté. Attendez le suivant et saisissez-le.
code-other = Se connecter avec une autre adresse
recovery-instead = Pas de téléphone sous la main ? Utiliser un code de secours
recovery-label = Code de secours
recovery-hint = Dix lettres et chiffres avec un tiret au milieu. Il ne pourra plus servir ensuite.
code-instead = Utiliser un code de l’application

link-title = Réglages de votre boîte
link-text = Vous allez gérer cette boîte aux lettres :
link-not-yours = Ce n’est pas la vôtre ? Alors fermez cette page.
link-gone-title = Ce lien ne peut pas être utilisé
link-gone = Il a déjà servi, il a plus d’une minute, ou la boîte a été modifiée entre-temps. Veuillez retourner là où vous l’avez trouvé et cliquer à nouveau, ou vous connecter ici.

code-malformed = Un code a six chiffres, par exemple 189 145.
code-wrong = Ce code n’est pas juste. Attendez le suivant dans votre application et saisissez-le.
code-used = Ce code a déjà servi. Attendez le suivant dans votre application.
code-throttled = Il y a eu trop de codes faux. Attendez quelques minutes, puis réessayez.
code-wrong-left = { $left ->
    [one] Ce code n’est pas juste. Il vous reste { $left } essai. Vérifiez l’heure de votre téléphone.
   *[other] Ce code n’est pas juste. Il vous reste { $left } essais. Vérifiez l’heure de votre téléphone.
}
seconds-static = { $seconds ->
    [one] Au chargement de cette page, le code était encore valable { $seconds } seconde.
   *[other] Au chargement de cette page, le code était encore valable { $seconds } secondes.
}
seconds-live = Le code change dans { $seconds } s

factor-title = Double authentification
factor-on = La double authentification est activée
factor-off = La double authentification est désactivée
factor-since = Depuis le
factor-used = Dernier code :
status-label = État
status-disabled = Désactivée
status-enabled = Activée
status-hint-on = Pour la désactiver, il vous faut un code de votre application ou un code de secours.
status-hint-off = La page suivante indique ce qu’il vous faut. Rien n’est activé avant que vous ayez saisi un code.
why-title = À quoi elle sert
why-text = Un mot de passe volé ne suffit alors plus pour lire votre courrier : pour se connecter, il faut aussi un code à six chiffres que seul votre téléphone affiche. Les logiciels de messagerie qui ne peuvent pas demander de code reçoivent leur propre mot de passe, un mot de passe d’application.
codes-wait = Vos nouveaux codes de secours sont encore à l’écran.
codes-wait-link = Notez-les maintenant
dropped-title = Veuillez recommencer
dropped-text = Trop de codes étaient faux, ou cela a pris trop de temps. Le secret scanné n’est plus valable : supprimez cette entrée de votre application. Rien n’a été modifié.
start-again = Recommencer

before-title = Avant de commencer
before-app = Ayez une application d’authentification
before-app-text = Toute application de codes temporels (TOTP) convient, sur un téléphone ou dans un gestionnaire de mots de passe.
before-app-names = Par exemple Aegis, FreeOTP+, 2FAS, Google Authenticator, Microsoft Authenticator, Mots de passe d’Apple, Bitwarden ou 1Password.
before-clock = Vérifiez l’heure de votre téléphone
before-clock-text = Les codes en dépendent. Réglez la date et l’heure sur automatique.
before-programs = Pensez à vos logiciels de messagerie
before-programs-text = Une fois la double authentification activée, le mot de passe seul n’ouvre plus votre boîte nulle part. Donnez un mot de passe d’application à chaque logiciel qui retient votre mot de passe. Dans ceux qui le demandent à chaque fois, saisissez le mot de passe et, juste derrière, le code.
before-programs-link = Créer d’abord des mots de passe d’application

scan-title = Configurer votre application
scan-step = Scannez l’image
scan-text = Ouvrez votre application d’authentification, ajoutez une entrée et scannez ce code QR.
scan-picture = Code QR avec le secret pour votre application d’authentification
scan-link = Sur ce téléphone : ouvrir dans l’application
scan-by-hand = Impossible de scanner ? Saisissez le secret
scan-by-hand-text = Choisissez la saisie d’une clé dans votre application et saisissez ceci. Les espaces et les majuscules n’ont pas d’importance.
scan-account = Compte
scan-kind = Type
scan-kind-text = Temporel (TOTP), 6 chiffres, 30 secondes
scan-again = Créer un nouveau secret
scan-again-hint = Cette page peut être rechargée jusqu’à ce que vous ayez terminé. Si quelqu’un d’autre a vu le secret, créez-en un nouveau et supprimez l’entrée de l’ancien de votre application.
challenge-step = Saisissez le code
challenge-label = Code de vérification
challenge-hint = Les six chiffres que votre application affiche pour cette entrée. S’ils sont sur le point de changer, attendez les suivants.
drift-slow = L’horloge de votre téléphone retarde d’environ { $seconds } secondes. Cela fonctionne, mais veuillez régler la date et l’heure sur automatique.
drift-fast = L’horloge de votre téléphone avance d’environ { $seconds } secondes. Cela fonctionne, mais veuillez régler la date et l’heure sur automatique.

disable-title = Désactiver la double authentification
disable-text = Votre mot de passe seul ouvrira alors votre boîte. Les codes de secours ne seront plus valables ; les mots de passe d’application restent.

phone-title = Un nouveau téléphone
phone-teaser = Changer de téléphone ou d’application sans désactiver la double authentification.
phone-link = Passer à un nouveau téléphone
phone-text = Vous scannez un nouveau secret avec le nouveau téléphone, puis vous saisissez un code de chaque téléphone. Jusque-là, les codes de l’ancien sont valables. Les codes de secours et les mots de passe d’application restent.
phone-lost = Vous n’avez plus l’ancien téléphone ? Un code de secours le remplace.
phone-scan-step = Scannez avec le nouveau téléphone
phone-codes-step = Saisissez les deux codes
phone-codes-text = Rien n’est remplacé si les deux ne sont pas justes.
phone-new-label = Code du nouveau téléphone
phone-old-step = Et de l’ancien téléphone

recovery-title = Codes de secours
recovery-text = Chaque code de secours sert une fois à la place d’un code de votre application, si votre téléphone est perdu ou en panne.
recovery-left = { $left ->
    [one] Il reste { $left } code sur { $of }.
   *[other] Il reste { $left } codes sur { $of }.
}
recovery-few = Veuillez bientôt en créer de nouveaux.
recovery-manage = Gérer les codes de secours
recovery-off = Il n’y en a pas tant que la double authentification est désactivée.
recovery-off-link = L’activer
recovery-new = Créer de nouveaux codes
recovery-new-title = Nouveaux codes de secours
recovery-new-text = Les nouveaux codes remplacent tous les anciens, qui ne seront plus valables.
codes-title = Conservez vos codes de secours
codes-enabled = La double authentification est activée.
codes-text = Imprimez ces codes ou notez-les, et conservez-les à part de votre téléphone. Ils sont affichés maintenant et plus jamais ensuite.
codes-file = Codes de secours pour { $mailbox }. Chacun sert une fois, à la place du code.
codes-download = Télécharger dans un fichier
codes-print = Imprimer
codes-kept = J’ai conservé ces codes en lieu sûr
codes-kept-missing = Conservez les codes, puis cochez la case.

app-title = Mots de passe d’application
app-text = Un mot de passe d’application ouvre votre boîte à un logiciel de messagerie, sans code. Créez-en un pour chaque logiciel, afin de pouvoir révoquer chacun séparément.
app-none = Il n’y a aucun mot de passe d’application.
app-add = Ajouter un mot de passe d’application
app-needs-password = Un mot de passe d’application ouvre votre courrier : veuillez d’abord vous connecter avec votre mot de passe. Vous êtes arrivé ici par un lien, sans lui.
app-needs-password-link = Se connecter avec le mot de passe
app-waits = Votre nouveau mot de passe d’application est encore à l’écran.
app-waits-link = L’afficher
app-ended = Expiré
app-services = Pour
app-services-hint = Cochez à quoi il doit servir. Sans rien cocher, il sert à tout.
app-networks = Seulement depuis
app-begins = Commence par
app-created = Créé
app-expires = Expire
app-expires-never = Jamais
app-expires-month = Dans 30 jours
app-expires-quarter = Dans 90 jours
app-expires-year = Dans un an
app-revoke = Révoquer
app-revoke-title = Révoquer un mot de passe d’application
app-revoke-text = Le logiciel qui utilise le mot de passe d’application « { $name } » ne pourra plus se connecter. Cela ne peut pas être annulé.
app-new-title = Nouveau mot de passe d’application
app-name = Nom
app-name-hint = À quoi il sert, par exemple « Thunderbird sur le portable ».
app-name-wrong = Un nom a au moins un caractère et au plus { $most } octets, sans guillemets droits ni barres obliques inverses.
app-too-many = { $most ->
    [one] Une boîte a au plus { $most } mot de passe d’application. Veuillez d’abord le révoquer.
   *[other] Une boîte a au plus { $most } mots de passe d’application. Veuillez en révoquer un qui ne sert plus.
}
app-make = Créer
app-shown-title = Votre nouveau mot de passe d’application
app-shown-text = Saisissez ou collez ceci à la place de votre mot de passe dans « { $name } ».
app-shown-once = Il est affiché maintenant et plus jamais ensuite. Inutile de le retenir : le logiciel le fait.
app-user = Nom d’utilisateur
app-kept = Terminé

service-imap = Lire le courrier (IMAP)
service-pop3 = Relever le courrier (POP3)
service-smtp = Envoyer du courrier (SMTP)
service-sieve = Filtres (ManageSieve)
service-panel = Ces pages
service-webmail = Webmail
service-all = Tout

programs-title = Où le saisir
programs-text = Le nom d’utilisateur est votre adresse e-mail. Les noms des serveurs et les ports ne changent pas.
program-thunderbird = Paramètres, Vie privée et sécurité, Mots de passe enregistrés : supprimez les entrées de cette boîte. Relevez les messages et donnez le mot de passe d’application quand il est demandé ; de même au premier envoi. La méthode d’authentification est « Mot de passe normal ».
program-apple-mail = iPhone et iPad : Réglages, Apps, Mail, Comptes Mail, votre compte, Réglages du compte ; remplacez le mot de passe, et aussi celui du serveur d’envoi. Mac : Réglages Système, Comptes Internet, votre compte.
program-outlook = Fichier, Paramètres du compte, Gérer les profils ou « Mettre à jour le mot de passe » ; remplacez le mot de passe. Dans le nouvel Outlook et sur téléphone : supprimez le compte et ajoutez-le à nouveau avec le mot de passe d’application.
program-k9 = Paramètres du compte, Récupération des courriels, Serveur entrant, puis Envoi de courriels, Serveur sortant : remplacez le mot de passe dans les deux. FairEmail : Paramètres, configuration manuelle, Comptes et Identités.
program-gmail = Paramètres du compte de cette boîte, paramètres entrants et paramètres sortants : remplacez le mot de passe dans les deux. Si l’application ne propose ni l’un ni l’autre, supprimez le compte et ajoutez-le à nouveau comme « Autre ».

sign-ins-title = Connexions
sign-ins-text = Logiciels de messagerie et webmails qui se sont connectés avec mot de passe et code, et qui restent connectés un temps sans nouveau code.
sign-ins-none = Aucun logiciel n’est connecté avec un code.
sign-in-opened = Connecté
sign-in-ends = Se ferme
sign-in-end = Fermer
browsers-text = Navigateurs connectés à ces pages :
browsers-more = Seuls les { $count } plus récents sont affichés.
browser-own = Ce navigateur
browser-other = Un autre navigateur
browser-by-link = Ouvert par un lien de votre fournisseur.
sign-ins-all-title = Une connexion n’est pas la vôtre ?
sign-ins-all-text = Fermez toutes les connexions et changez votre mot de passe. Les autres navigateurs seront aussi déconnectés de ces pages. Les mots de passe d’application restent valables : révoquez ceux que vous ne connaissez pas.
sign-ins-all = Fermer toutes les connexions

policy-required = Votre fournisseur de messagerie exige la double authentification.
policy-required-now = Votre fournisseur de messagerie exige la double authentification. Tant que vous ne l’avez pas activée, votre boîte ne s’ouvre que sur ces pages.
policy-required-from = Votre fournisseur de messagerie exigera la double authentification à partir du
policy-days-left = { $days ->
    [one] Il reste { $days } jour.
   *[other] Il reste { $days } jours.
}
policy-off = Votre fournisseur de messagerie ne propose pas la double authentification pour cette boîte.
disable-required = Votre fournisseur de messagerie exige la double authentification : si vous la désactivez, votre boîte ne s’ouvre que sur ces pages.
before-programs-seen = Ceux-ci se sont connectés récemment avec votre mot de passe seul et auront besoin d’un mot de passe d’application :

menu-activity = Activité récente
activity-title = Activité récente
activity-text = Qui s’est connecté ou a essayé, et ce qui a été modifié.
activity-none = Rien n’est connu pour l’instant.
activity-older = Plus ancien
wrong-codes = { $count ->
    [one] Quelqu’un a saisi votre bon mot de passe et un code faux. La dernière fois :
   *[other] Quelqu’un a saisi { $count } fois votre bon mot de passe et un code faux. La dernière fois :
}
wrong-codes-advice = Si ce n’était pas vous, changez votre mot de passe.
event-password = Connecté avec le mot de passe
event-code = Connecté avec mot de passe et code
event-recovery = Connecté avec mot de passe et un code de secours
event-session = Connecté à nouveau, dans le cadre d’une connexion précédente
event-app-password = Connecté avec un mot de passe d’application
event-webmail-token = Connexion par le webmail
event-webmail-password = Bon mot de passe au webmail ; le code a été demandé
event-webmail-ended = Le webmail doit se reconnecter : son temps était écoulé
event-webmail-left = Déconnexion du webmail
event-accepted = Connecté
event-panel-code = Un code a été donné pour une modification sur ces pages
event-panel-recovery = Un code de secours a été utilisé pour une modification sur ces pages
event-panel-password = Bon mot de passe sur ces pages ; le code a été demandé
event-wrong-password = Refusé : mauvais mot de passe
event-missing-code = Refusé : pas de code derrière le mot de passe
event-wrong-code = Refusé : bon mot de passe, code faux
event-used-code = Refusé : bon mot de passe, et un code déjà utilisé
event-throttled = Refusé : trop d’échecs, tout n’a pas été vérifié
event-locked = Refusé : la boîte est verrouillée
event-app-wrong = Refusé : mauvais mot de passe d’application
event-app-expired = Refusé : un mot de passe d’application expiré
event-app-scope = Refusé : un mot de passe d’application qui n’est pas prévu pour cela ou depuis là
event-refused = Refusé
event-unavailable = Pas d’accès : le serveur ne pouvait pas vérifier à ce moment-là
event-more = { $count ->
    [one] { $count } autre événement, non conservé en détail
   *[other] { $count } autres événements, non conservés en détail
}
event-or-later = ou plus tard (le serveur ne connaissait pas l’heure)
event-advice = Était-ce vous ? Attendez la prochaine fois un nouveau code. Sinon, quelqu’un connaît votre mot de passe : changez-le.
event-started = Un secret pour une application d’authentification a été créé
event-enabled = La double authentification a été activée
event-disabled = La double authentification a été désactivée
event-confirm-wrong = Un code faux a été saisi lors de la configuration d’une application
event-moved = Passage à un nouveau téléphone
event-app-added = Un mot de passe d’application a été créé
event-app-revoked = Un mot de passe d’application a été révoqué
event-recovery-new = De nouveaux codes de secours ont été créés
event-session-ended = Une connexion a été fermée
event-all-ended = Toutes les connexions ont été fermées
event-link-made = Un lien vers ces pages a été créé
event-link-followed = Ces pages ont été ouvertes par un lien
event-made = La boîte a été créée
event-password-set = Le mot de passe a été changé
event-lock = La boîte a été verrouillée
event-unlock = Le verrouillage a été levé
event-policy = Ce qui est exigé pour cette boîte a été modifié
event-changed = Un réglage a été modifié
event-by-owner = sur ces pages
event-by-administrator = par l’administrateur
