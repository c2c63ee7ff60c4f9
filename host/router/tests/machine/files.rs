//! Disks that are full, directories that are not what they should be.

use crate::http::{chat, get};
use crate::process::Start;
use plugway_simulator::{Behaviour, Kind, Simulator};
use std::path::Path;
use std::process::Command;

fn simulator() -> Simulator {
    Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap()
}

#[test]
fn a_full_disk_costs_the_cache_and_nothing_else() {
    let simulator = simulator();
    let cache = tempfile::tempdir().unwrap();
    let environment = [("XDG_CACHE_HOME", cache.path().to_str().unwrap())];
    // Files end where no compiled plugin has ended yet.
    let shell = "trap '' XFSZ; ulimit -f 128";
    let mut process =
        Start { shell, environment: &environment, ..Start::default() }.run(&simulator);
    assert_eq!(chat(&mut process.connect()).status, 200);
    assert!(process.log().contains("compiled plugin is not cached"), "{}", process.log());
    let left = std::fs::read_dir(cache.path().join("plugway")).unwrap().count();
    assert_eq!(left, 0, "parts of entries were left behind");
}

#[test]
fn a_cache_that_cannot_be_made_is_done_without() {
    let simulator = simulator();
    let environment = [("XDG_CACHE_HOME", "/dev/null")];
    let mut process = Start { environment: &environment, ..Start::default() }.run(&simulator);
    assert_eq!(chat(&mut process.connect()).status, 200);
    assert!(process.log().contains("compiled plugins are not cached"), "{}", process.log());
}

#[test]
fn state_that_cannot_be_kept_is_done_without_unless_its_file_was_named() {
    let simulator = simulator();
    let environment = [("XDG_STATE_HOME", "/dev/null")];
    let mut process = Start { environment: &environment, ..Start::default() }.run(&simulator);
    assert_eq!(chat(&mut process.connect()).status, 200);
    assert!(process.log().contains("nothing will outlast a restart"), "{}", process.log());

    let toml = "state = '/dev/null/plugway.db'";
    let (code, log) = Start { toml, ..Start::default() }.run(&simulator).end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("cannot open the state file `/dev/null/plugway.db`"), "{log}");
}

#[test]
fn neither_home_nor_cache_is_needed() {
    let simulator = simulator();
    let shell = "unset HOME XDG_CACHE_HOME";
    let mut process = Start { shell, ..Start::default() }.run(&simulator);
    assert_eq!(chat(&mut process.connect()).status, 200);
}

#[test]
fn a_plugins_directory_that_is_none_is_refused_with_its_name() {
    let simulator = simulator();
    let scratch = tempfile::tempdir().unwrap();
    let (file, link) = (scratch.path().join("file"), scratch.path().join("loop"));
    std::fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&link, &link).unwrap();
    for wrong in [&file, &link, &scratch.path().join("nowhere")] {
        let arguments = ["--plugins", wrong.to_str().unwrap()];
        let mut process = Start { arguments: &arguments, ..Start::default() }.run(&simulator);
        let (code, log) = process.end();
        assert_eq!(code, Some(1), "{log}");
        assert!(log.contains(wrong.to_str().unwrap()), "{log}");
        assert!(log.contains("is no directory"), "{log}");
    }
}

#[test]
fn a_plugins_directory_may_vanish_or_become_something_else() {
    let simulator = simulator();
    let scratch = tempfile::tempdir().unwrap();
    let plugins = scratch.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    let arguments = ["--plugins", plugins.to_str().unwrap()];
    let toml = "[plugins]\nrescan_interval = \"100ms\"";
    let mut process = Start { arguments: &arguments, toml, ..Start::default() }.run(&simulator);
    let mut connection = process.connect();
    assert_eq!(chat(&mut connection).status, 200);
    std::fs::remove_dir(&plugins).unwrap();
    std::os::unix::fs::symlink(&plugins, &plugins).unwrap();
    process.wait_for("the plugins directory cannot be read");
    assert_eq!(chat(&mut connection).status, 200);
    std::fs::remove_file(&plugins).unwrap();
    std::fs::create_dir(&plugins).unwrap();
    std::fs::write(plugins.join("broken.wasm"), "no component").unwrap();
    process.wait_for("plugin refused");
    assert_eq!(chat(&mut connection).status, 200);
    assert_eq!(get(&mut connection, "/readyz").status, 200);
}

/// Whether the test must not be run as root, to whom every file is open.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

#[test]
fn a_plugins_directory_that_is_closed_to_the_router_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let simulator = simulator();
    let scratch = tempfile::tempdir().unwrap();
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(scratch.path(), 0o755);
    let plugins = scratch.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    open(&plugins, 0o000);
    // Nobody may enter where the binary was built, so it gets a copy; and the
    // shared cache belongs to somebody else, which it is to notice.
    let binary = scratch.path().join("plugway");
    std::fs::copy(env!("CARGO_BIN_EXE_plugway"), &binary).unwrap();
    let drop_root = format!(
        "exec setpriv --reuid 65534 --regid 65534 --clear-groups {} \"$@\"",
        binary.display()
    );
    let shell = if is_root() { drop_root.as_str() } else { ":" };
    let arguments = ["--plugins", plugins.to_str().unwrap()];
    let mut process = Start { shell, arguments: &arguments, ..Start::default() }.run(&simulator);
    assert_eq!(chat(&mut process.connect()).status, 200);
    process.wait_for("the plugins directory cannot be read");
    assert!(process.log().contains("Permission denied"), "{}", process.log());
    if is_root() {
        assert!(process.log().contains("compiled plugins are not cached"), "{}", process.log());
    }
    open(&plugins, 0o755);
}
