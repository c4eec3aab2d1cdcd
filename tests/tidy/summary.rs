//! What `tests/run` says of a run that failed: the names of the tests, and nothing that one of them printed.

use std::process::Command;

#[test]
fn a_failed_run_is_summed_up_by_the_names_of_its_tests() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let mut awk = Command::new("awk");
    awk.args(["-v", "status=101", "-f"]).arg(format!("{here}/summary.awk"));
    let output = awk.arg(format!("{here}/tidy/failed_run.txt")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (told, names) = text.split_once("failed: ").unwrap();
    assert!(
        told.contains(
            "---- walk::at_a_desk in tests/browser/main.rs\n    thread 'walk::at_a_desk'"
        ),
        "{text}"
    );
    assert!(told.contains("        not on the page\n"), "why it failed is said: {text}");
    let expected = "walk::at_a_desk in tests/browser/main.rs\n\
        failed: listening::parent in tests/browser/main.rs\n\
        failed: tests/doors.rs ended without a result\n\
        tests/run: 4 tests are marked as ignored\n\
        tests/run: cargo test ended with status 101\n\
        3 passed, 2 failed\n";
    assert_eq!(names, expected);
}
