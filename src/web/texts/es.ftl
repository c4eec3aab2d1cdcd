# The texts of the User Panel, Spanish.
language-name = Español
choose-language = Idioma
skip-to-content = Ir al contenido
menu-label = Menú
menu-factor = Verificación en dos pasos
menu-app-passwords = Contraseñas de aplicación
menu-sign-ins = Inicios de sesión
menu-recovery-codes = Códigos de recuperación
log-out = Cerrar sesión
log-in = Iniciar sesión
save-button = Guardar
next-button = Siguiente
cancel-button = Cancelar
continue-button = Continuar
copy-button = Copiar
copy-done = Copiado
to-the-start = Ir a la página de inicio
error-prefix = Error:
form-refused = No ha funcionado. Vea abajo qué es lo que no está bien.
last-used = Último uso
never-used = Nunca

notice-ended = Se ha cerrado su sesión porque ha pasado un tiempo o porque se cerraron las sesiones de este buzón. Inicie sesión de nuevo.
notice-logged-out = Ha cerrado la sesión.
notice-unchanged = Ya está así. No se ha cambiado nada.
notice-enabled = La verificación en dos pasos está activada. A partir de ahora su buzón pide un código.
notice-disabled = La verificación en dos pasos está desactivada. Ya puede borrar la entrada de este buzón de su aplicación de autenticación; sus códigos de recuperación ya no valen.
notice-moved = Su nuevo teléfono está listo. Ya puede borrar la entrada en el antiguo.
notice-moved-slow = Su nuevo teléfono está listo, pero su reloj va unos 30 segundos atrasado. Ponga la fecha y la hora en automático. Ya puede borrar la entrada en el teléfono antiguo.
notice-moved-fast = Su nuevo teléfono está listo, pero su reloj va unos 30 segundos adelantado. Ponga la fecha y la hora en automático. Ya puede borrar la entrada en el teléfono antiguo.
notice-revoked = La contraseña de aplicación está revocada. Nadie puede iniciar sesión con ella.
notice-sign-in-ended = La sesión se ha cerrado. Ese programa tiene que iniciar sesión de nuevo con contraseña y código.
notice-browser-ended = Se ha cerrado la sesión de ese navegador en estas páginas.
notice-all-ended = Se han cerrado todas las sesiones, menos esta.

unavailable-title = No disponible
unavailable-text = Algo que hace falta no responde. Mire dentro de un minuto si se hizo su cambio e inténtelo de nuevo.
stale-title = Inténtelo de nuevo
stale-text = Este formulario es de una sesión anterior. No se ha cambiado nada. Abra la página de nuevo.
bad-form-title = No se ha entendido
bad-form-text = No se pudo leer este formulario. No se ha cambiado nada.
not-found-title = Página no encontrada
not-found-text = No hay nada en esta dirección.

login-title = Iniciar sesión
login-name = Dirección de correo
login-password = Contraseña
login-refused = No ha funcionado. Compruebe la dirección de correo y la contraseña e inténtelo de nuevo.
login-again = Ha tardado demasiado o demasiados códigos eran incorrectos. Inicie sesión de nuevo.
code-title = Su código
code-label = Código de su aplicación de autenticación
code-hint = Seis cifras. Cada código vale una vez: si acaba de usar uno, espere al siguiente.
code-refused = Este código no se ha aceptado. Espere al siguiente y escríbalo.
code-other = Iniciar sesión con otra dirección
recovery-instead = ¿No tiene el teléfono a mano? Use un código de recuperación
recovery-label = Código de recuperación
recovery-hint = Diez letras y cifras con un guion en medio. Con esto queda gastado.
code-instead = Usar un código de la aplicación

link-title = Ajustes de su buzón
link-text = Va a gestionar este buzón:
link-not-yours = ¿No es el suyo? Entonces cierre esta página.
link-gone-title = Este enlace no se puede usar
link-gone = Ya se ha usado, tiene más de un minuto o el buzón ha cambiado mientras tanto. Vuelva a donde lo encontró y pulse allí otra vez, o inicie sesión aquí.

code-malformed = Un código tiene seis cifras, por ejemplo 189 145.
code-wrong = Este código no es correcto. Espere al siguiente en su aplicación y escríbalo.
code-used = Este código ya se ha usado. Espere al siguiente en su aplicación.
code-throttled = Ha habido demasiados códigos incorrectos. Espere unos minutos e inténtelo de nuevo.
code-wrong-left = { $left ->
    [one] Este código no es correcto. Puede intentarlo una vez más. Compruebe la hora de su teléfono.
   *[other] Este código no es correcto. Puede intentarlo { $left } veces más. Compruebe la hora de su teléfono.
}
seconds-static = { $seconds ->
    [one] Cuando se cargó esta página, el código valía un segundo más.
   *[other] Cuando se cargó esta página, el código valía { $seconds } segundos más.
}
seconds-live = El código cambia en { $seconds } s

factor-title = Verificación en dos pasos
factor-on = La verificación en dos pasos está activada
factor-off = La verificación en dos pasos está desactivada
factor-since = Desde
factor-used = Último código:
status-label = Estado
status-disabled = Desactivada
status-enabled = Activada
status-hint-on = Para desactivarla necesita un código de su aplicación o un código de recuperación.
status-hint-off = La página siguiente dice qué necesita. No se activa nada antes de que haya escrito un código.
why-title = Para qué sirve
why-text = Una contraseña robada ya no basta para leer su correo: para iniciar sesión hace falta también un código de seis cifras que solo muestra su teléfono. Los programas de correo que no pueden pedir un código reciben una contraseña propia, una contraseña de aplicación.
codes-wait = Sus nuevos códigos de recuperación siguen en pantalla.
codes-wait-link = Anótelos ahora
dropped-title = Empiece de nuevo
dropped-text = Demasiados códigos eran incorrectos o ha tardado demasiado. El secreto escaneado ya no vale: borre esta entrada de su aplicación. No se ha cambiado nada.
start-again = Empezar de nuevo

before-title = Antes de empezar
before-app = Tenga una aplicación de autenticación
before-app-text = Sirve cualquier aplicación de códigos temporales (TOTP), en un teléfono o en un gestor de contraseñas.
before-app-names = Por ejemplo Aegis, FreeOTP+, 2FAS, Google Authenticator, Microsoft Authenticator, Contraseñas de Apple, Bitwarden o 1Password.
before-clock = Compruebe la hora de su teléfono
before-clock-text = Los códigos dependen de ella. Ponga la fecha y la hora en automático.
before-programs = Piense en sus programas de correo
before-programs-text = Cuando esté activada, la contraseña sola ya no abre su buzón en ningún sitio. Dé una contraseña de aplicación a cada programa que guarda su contraseña. En los que la piden cada vez, escriba la contraseña y justo detrás el código.
before-programs-link = Crear antes contraseñas de aplicación

scan-title = Configurar su aplicación
scan-step = Escanee la imagen
scan-text = Abra su aplicación de autenticación, añada una entrada y escanee este código QR.
scan-picture = Código QR con el secreto para su aplicación de autenticación
scan-link = En este teléfono: abrir en la aplicación
scan-by-hand = ¿No puede escanear? Escriba el secreto
scan-by-hand-text = Elija en su aplicación introducir una clave y escriba esto. Los espacios y las mayúsculas no importan.
scan-account = Cuenta
scan-kind = Tipo
scan-kind-text = Temporal (TOTP), 6 cifras, 30 segundos
scan-again = Crear un secreto nuevo
scan-again-hint = Esta página se puede volver a cargar hasta que termine. Si otra persona ha visto el secreto, cree uno nuevo y borre la entrada del anterior de su aplicación.
challenge-step = Escriba el código
challenge-label = Código de comprobación
challenge-hint = Las seis cifras que su aplicación muestra para esta entrada. Si están a punto de cambiar, espere a las siguientes.
drift-slow = El reloj de su teléfono va unos { $seconds } segundos atrasado. Funciona, pero ponga la fecha y la hora en automático.
drift-fast = El reloj de su teléfono va unos { $seconds } segundos adelantado. Funciona, pero ponga la fecha y la hora en automático.

disable-title = Desactivar la verificación en dos pasos
disable-text = Después, su contraseña sola abrirá su buzón. Los códigos de recuperación dejan de valer; las contraseñas de aplicación se quedan.

phone-title = Un teléfono nuevo
phone-teaser = Cambiar de teléfono o de aplicación sin desactivar la verificación en dos pasos.
phone-link = Cambiar a un teléfono nuevo
phone-text = Escanea un secreto nuevo con el teléfono nuevo y después escribe un código de cada teléfono. Hasta entonces valen los códigos del antiguo. Los códigos de recuperación y las contraseñas de aplicación se quedan.
phone-lost = ¿Ya no tiene el teléfono antiguo? Un código de recuperación sirve en su lugar.
phone-scan-step = Escanee con el teléfono nuevo
phone-codes-step = Escriba los dos códigos
phone-codes-text = No se cambia nada si no son correctos los dos.
phone-new-label = Código del teléfono nuevo
phone-old-step = Y del teléfono antiguo

recovery-title = Códigos de recuperación
recovery-text = Cada código de recuperación vale una vez en lugar de un código de su aplicación, si ha perdido el teléfono o se ha roto.
recovery-left = { $left ->
    [one] Queda un código de { $of }.
   *[other] Quedan { $left } códigos de { $of }.
}
recovery-few = Cree pronto otros nuevos.
recovery-manage = Gestionar los códigos de recuperación
recovery-off = No los hay mientras la verificación en dos pasos está desactivada.
recovery-off-link = Activarla
recovery-new = Crear códigos nuevos
recovery-new-title = Códigos de recuperación nuevos
recovery-new-text = Los códigos nuevos sustituyen a todos los anteriores, que dejan de valer.
codes-title = Guarde sus códigos de recuperación
codes-enabled = La verificación en dos pasos está activada.
codes-text = Imprima estos códigos o anótelos, y guárdelos aparte de su teléfono. Se muestran ahora y nunca más.
codes-file = Códigos de recuperación de { $mailbox }. Cada uno vale una vez, en lugar del código.
codes-download = Descargar como archivo
codes-print = Imprimir
codes-kept = He guardado estos códigos en un lugar seguro
codes-kept-missing = Guarde los códigos y después marque la casilla.

app-title = Contraseñas de aplicación
app-text = Una contraseña de aplicación abre su buzón a un programa de correo, sin código. Cree una para cada programa, para poder revocar cada una por separado.
app-none = No hay contraseñas de aplicación.
app-add = Añadir una contraseña de aplicación
app-needs-password = Una contraseña de aplicación abre su correo; por eso, inicie antes sesión con su contraseña. Ha llegado aquí por un enlace, sin ella.
app-needs-password-link = Iniciar sesión con la contraseña
app-waits = Su nueva contraseña de aplicación sigue en pantalla.
app-waits-link = Mostrarla
app-ended = Caducada
app-services = Para
app-services-hint = Marque para qué se va a usar. Sin marcar nada vale para todo.
app-networks = Solo desde
app-begins = Empieza por
app-created = Creada
app-expires = Caduca
app-expires-never = Nunca
app-expires-month = En 30 días
app-expires-quarter = En 90 días
app-expires-year = En un año
app-revoke = Revocar
app-revoke-title = Revocar una contraseña de aplicación
app-revoke-text = El programa que usa la contraseña de aplicación «{ $name }» ya no podrá iniciar sesión. Esto no se puede deshacer.
app-new-title = Nueva contraseña de aplicación
app-name = Nombre
app-name-hint = Para qué es, por ejemplo «Thunderbird en el portátil».
app-name-wrong = Un nombre tiene al menos un carácter y como mucho { $most } bytes, sin comillas rectas ni barras invertidas.
app-too-many = { $most ->
    [one] Un buzón tiene como mucho una contraseña de aplicación. Revóquela primero.
   *[other] Un buzón tiene como mucho { $most } contraseñas de aplicación. Revoque una que ya no se use.
}
app-make = Crear
app-shown-title = Su nueva contraseña de aplicación
app-shown-text = Escriba o pegue esto en lugar de su contraseña en «{ $name }».
app-shown-once = Se muestra ahora y nunca más. No hace falta que la recuerde: lo hace el programa.
app-user = Nombre de usuario
app-kept = Listo

service-imap = Leer el correo (IMAP)
service-pop3 = Recoger el correo (POP3)
service-smtp = Enviar correo (SMTP)
service-sieve = Filtros (ManageSieve)
service-panel = Estas páginas
service-webmail = Webmail
service-all = Todo

programs-title = Dónde se pone
programs-text = El nombre de usuario es su dirección de correo. Los nombres de los servidores y los puertos no cambian.
program-thunderbird = Ajustes, Privacidad y seguridad, Contraseñas guardadas: borre las entradas de este buzón. Reciba mensajes y escriba la contraseña de aplicación cuando se la pida; igual al enviar por primera vez. El método de identificación es «Contraseña normal».
program-apple-mail = iPhone y iPad: Ajustes, Apps, Mail, Cuentas de Mail, su cuenta, Ajustes de la cuenta; cambie la contraseña, también la del servidor de salida. Mac: Ajustes del Sistema, Cuentas de Internet, su cuenta.
program-outlook = Archivo, Configuración de la cuenta, Administrar perfiles o «Actualizar contraseña»; cambie la contraseña. En el nuevo Outlook y en teléfonos: quite la cuenta y añádala de nuevo con la contraseña de aplicación.
program-k9 = Ajustes de la cuenta, Recepción de correo, Servidor entrante; después Envío de correo, Servidor saliente: cambie la contraseña en los dos. FairEmail: Ajustes, configuración manual, Cuentas e Identidades.
program-gmail = Ajustes de la cuenta de este buzón, ajustes de entrada y de salida: cambie la contraseña en los dos. Si la aplicación no los ofrece, quite la cuenta y añádala de nuevo como «Otra».

sign-ins-title = Inicios de sesión
sign-ins-text = Programas de correo y webmail que iniciaron sesión con contraseña y código y siguen conectados un tiempo sin un código nuevo.
sign-ins-none = Ningún programa ha iniciado sesión con un código.
sign-in-opened = Iniciada
sign-in-ends = Termina
sign-in-end = Cerrar
browsers-text = Navegadores que han iniciado sesión en estas páginas:
browsers-more = Solo se muestran los { $count } más recientes.
browser-own = Este navegador
browser-other = Otro navegador
browser-by-link = Abierto con un enlace de su proveedor.
sign-ins-all-title = ¿Hay algo que no es suyo?
sign-ins-all-text = Cierre todas las sesiones y cambie su contraseña. Así también se cierra la sesión de otros navegadores en estas páginas. Las contraseñas de aplicación siguen valiendo: revoque las que no conozca.
sign-ins-all = Cerrar todas las sesiones

policy-required = Su proveedor de correo exige la verificación en dos pasos.
policy-required-now = Su proveedor de correo exige la verificación en dos pasos. Hasta que la active, su buzón solo se puede abrir en estas páginas.
policy-required-from = Su proveedor de correo exigirá la verificación en dos pasos a partir del
policy-days-left = { $days ->
    [one] Queda un día.
   *[other] Quedan { $days } días.
}
policy-off = Su proveedor de correo no ofrece la verificación en dos pasos para este buzón.
disable-required = Su proveedor de correo exige la verificación en dos pasos: si está desactivada, su buzón solo se puede abrir en estas páginas.
before-programs-seen = Estos han iniciado sesión últimamente solo con su contraseña y necesitarán una contraseña de aplicación:

menu-activity = Actividad reciente
activity-title = Actividad reciente
activity-text = Quién inició sesión o lo intentó, y qué se cambió.
activity-none = Todavía no se sabe nada.
activity-older = Más antiguos
wrong-codes = { $count ->
    [one] Alguien ha escrito su contraseña correcta y un código incorrecto. Última vez:
   *[other] Alguien ha escrito { $count } veces su contraseña correcta y un código incorrecto. Última vez:
}
wrong-codes-advice = Si no fue usted, cambie su contraseña.
event-password = Sesión iniciada con la contraseña
event-code = Sesión iniciada con contraseña y código
event-recovery = Sesión iniciada con contraseña y un código de recuperación
event-session = Sesión iniciada de nuevo, dentro de una anterior
event-app-password = Sesión iniciada con una contraseña de aplicación
event-webmail-token = Inicio de sesión del webmail
event-webmail-password = Contraseña correcta en el webmail; se pidió el código
event-webmail-ended = El webmail debe volver a iniciar sesión: se acabó su tiempo
event-webmail-left = Sesión del webmail cerrada
event-accepted = Sesión iniciada
event-panel-code = Se dio un código para un cambio en estas páginas
event-panel-recovery = Se usó un código de recuperación para un cambio en estas páginas
event-panel-password = Contraseña correcta en estas páginas; se pidió el código
event-wrong-password = Rechazado: contraseña incorrecta
event-missing-code = Rechazado: sin código detrás de la contraseña
event-wrong-code = Rechazado: contraseña correcta, código incorrecto
event-used-code = Rechazado: contraseña correcta y un código ya usado
event-throttled = Rechazado: demasiados fallos, no se comprobó todo
event-locked = Rechazado: el buzón está bloqueado
event-app-wrong = Rechazado: contraseña de aplicación incorrecta
event-app-expired = Rechazado: una contraseña de aplicación caducada
event-app-scope = Rechazado: una contraseña de aplicación que no vale para esto o desde ahí
event-refused = Rechazado
event-unavailable = Sin acceso: el servidor no pudo comprobarlo en ese momento
event-more = { $count ->
    [one] Un suceso más, no guardado en detalle
   *[other] { $count } sucesos más, no guardados en detalle
}
event-or-later = o más tarde (el servidor no sabía la hora)
event-advice = ¿Fue usted? Entonces espere la próxima vez a un código nuevo. Si no, alguien conoce su contraseña: cámbiela.
event-started = Se creó un secreto para una aplicación de autenticación
event-enabled = Se activó la verificación en dos pasos
event-disabled = Se desactivó la verificación en dos pasos
event-confirm-wrong = Se escribió un código incorrecto al configurar una aplicación
event-moved = Cambio a un teléfono nuevo
event-app-added = Se creó una contraseña de aplicación
event-app-revoked = Se revocó una contraseña de aplicación
event-recovery-new = Se crearon códigos de recuperación nuevos
event-session-ended = Se cerró una sesión
event-all-ended = Se cerraron todas las sesiones
event-link-made = Se creó un enlace a estas páginas
event-link-followed = Estas páginas se abrieron por un enlace
event-made = Se creó el buzón
event-password-set = Se cambió la contraseña
event-lock = Se bloqueó el buzón
event-unlock = Se quitó el bloqueo
event-policy = Se cambió lo que se exige para este buzón
event-changed = Se cambió un ajuste
event-by-owner = en estas páginas
event-by-administrator = por la administración
