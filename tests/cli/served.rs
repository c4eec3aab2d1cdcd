//! The files that the panel and the API are served with, as `config check` looks at them.

use std::fs;

use super::Site;

#[test]
fn a_check_reads_certificates_and_the_picture() {
    let site = Site::bare("store");
    let path = site.path("mail2fa.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (picture, key) = (site.path("logo.svg"), site.path("no-key.pem"));
    let tls = format!("certificate = \"{0}\"\nkey = \"{0}\"\n", key.display());
    fs::write(&picture, "not drawn").unwrap();
    let panel = format!(
        "[panel]\nlisten = \"127.0.0.1:8425\"\nlogo = \"{}\"\n[panel.tls]\n{tls}",
        picture.display()
    );
    let api = format!("[api]\nlisten = \"127.0.0.1:8426\"\n[api.tls]\n{tls}");
    fs::write(&path, format!("{text}{panel}{api}")).unwrap();
    let checked = site.run(&["config", "check"]);
    for mistake in ["3 mistakes", "panel.tls: ", "api.tls: ", "no-key.pem: cannot be read"] {
        assert!(checked.err.contains(mistake), "{mistake} in {}", checked.err);
    }
    checked.fails(78, "logo.svg: is neither an SVG nor a PNG picture");
    fs::write(&picture, "<svg/>").unwrap();
    fs::write(&path, format!("{text}{panel}")).unwrap();
    site.run(&["config", "check"]).fails(78, "one mistake");
    fs::write(&path, text + panel.split("[panel.tls]").next().unwrap()).unwrap();
    assert!(site.run(&["config", "check"]).ok().contains("no mistakes"));
}
