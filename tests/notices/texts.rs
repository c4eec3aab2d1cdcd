//! The built-in texts, and folders that take their place.

use std::fs;

use super::*;
use mail2fa::{
    decision::notice::Placeholder,
    notice::{BUILT_IN, Template, built_in},
};

#[test]
fn every_language_has_every_text_and_they_name_the_same() {
    for kind in NoticeKind::ALL {
        for language in BUILT_IN {
            let text = built_in(language, kind).unwrap();
            let template = Template::parse(text, kind).unwrap();
            for placeholder in Placeholder::ALL {
                assert_eq!(
                    template.uses(placeholder),
                    kind.placeholders().contains(&placeholder),
                    "{language} {kind:?} {placeholder:?}"
                );
            }
            assert!(text.lines().all(|line| line.chars().count() <= 90), "{language} {kind:?}");
            assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{language} {kind:?}");
        }
        let mut all: Vec<_> = BUILT_IN.map(|language| built_in(language, kind)).to_vec();
        all.dedup();
        assert_eq!(all.len(), BUILT_IN.len(), "{kind:?} is not translated");
    }
    assert_eq!(built_in("pl", NoticeKind::Test), None);
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn subject(texts: &Texts, language: &str) -> String {
    struct Nothing;
    impl mail2fa::notice::Values for Nothing {
        fn value(&self, _: Placeholder) -> String {
            "X".into()
        }
    }
    let language = Language::parse(language).unwrap();
    texts.get(&language, NoticeKind::Test).unwrap().subject(&Nothing)
}

#[test]
fn a_file_takes_the_place_of_a_built_in_text() {
    let folder = folder(&[("nl/test.txt", "Subject: Eigen {mailbox}\n\nx\n"), ("README", "x")]);
    let texts = Texts::load(Some(folder.path())).unwrap();
    assert_eq!(subject(&texts, "nl"), "Eigen X");
    assert_eq!(subject(&texts, "en"), "Test message for X");
}

#[test]
fn another_language_has_all_texts() {
    let all: Vec<String> =
        NoticeKind::ALL.iter().map(|kind| format!("pl/{}.txt", kind.as_str())).collect();
    let mut files: Vec<(&str, &str)> =
        all.iter().map(|name| (&**name, "Subject: Po polsku\n\nx\n")).collect();
    let texts = Texts::load(Some(folder(&files).path())).unwrap();
    assert_eq!(subject(&texts, "pl"), "Po polsku");
    files.pop();
    let mistakes = Texts::load(Some(folder(&files).path())).unwrap_err();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].to_string().contains("pl/test.txt: is missing"), "{mistakes:?}");
}

#[test]
fn all_mistakes_of_a_folder_are_named() {
    let folder = folder(&[
        ("en/test.txt", "Subject: {mailbox} {code}\n\nx\n"),
        ("en/second-factor-on.txt", "Subject: x\n\nx\n"),
        ("de/wrong_codes.txt", "Betreff: x\n\nx\n"),
        ("EN/test.txt", "x"),
    ]);
    let mistakes = Texts::load(Some(folder.path())).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].to_string().starts_with("EN: a folder of texts is named"), "{mistakes:?}");
    fs::remove_dir_all(folder.path().join("EN")).unwrap();
    let mistakes = Texts::load(Some(folder.path())).unwrap_err();
    let named: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    for words in [
        "en/test.txt:1: has the unknown placeholder {code}; allowed here: {mailbox}, {time}",
        "en/second-factor-on.txt: no notice has this name; there are second_factor_on, ",
        "de/wrong_codes.txt:1: must be \"Subject: \"",
    ] {
        assert!(named.iter().any(|found| found.starts_with(words)), "{words}: {named:?}");
    }
    assert_eq!(named.len(), 3);
    fs::write(folder.path().join("en/test.txt"), b"Subject: \xff\n\nx\n").unwrap();
    let mistakes = Texts::load(Some(folder.path())).unwrap_err();
    assert!(mistakes.iter().any(|found| found.to_string().contains("is not UTF-8")));
    assert!(Texts::load(Some("/nonexistent".as_ref())).is_err());
}
