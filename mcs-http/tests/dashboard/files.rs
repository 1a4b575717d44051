//! What the files say of one another.

use crate::surroundings::{between, own, sources};
use std::collections::BTreeSet;

/// What a page or a module names, as paths below `assets/`.
fn named() -> BTreeSet<(String, String)> {
    let mut named = BTreeSet::new();
    for (page, text) in own(".html") {
        for path in between(&text, "{{assets}}/", "\"") {
            named.insert((page.clone(), path.to_owned()));
        }
    }
    for (module, text) in own(".js") {
        for before in ["from '", "import '", "import('"] {
            for path in between(&text, before, "'") {
                named.insert((module.clone(), beside(&module, path)));
            }
        }
    }
    named
}

/// The path that `relative` stands for in the file at `path`.
fn beside(path: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => assert!(
                parts.pop().is_some(),
                "{path} leaves its folder by {relative}"
            ),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[test]
fn everything_that_is_named_exists() {
    let there: BTreeSet<_> = sources().into_iter().map(|(path, _)| path).collect();
    let named = named();
    assert!(named.len() > 20, "found only {named:?}");
    for (by, path) in named {
        assert!(
            there.contains(&path),
            "{by} names {path}, which is not there"
        );
    }
}

#[test]
fn everything_that_is_there_is_used() {
    let named: BTreeSet<_> = named().into_iter().map(|(_, path)| path).collect();
    for (path, _) in sources() {
        let used = named.contains(&path);
        let stands_alone = [".html", ".md", ".LICENSE.txt"]
            .iter()
            .any(|ending| path.ends_with(ending));
        assert!(used || stands_alone, "nothing names {path}");
    }
}

/// The modules that `path` cannot run without, itself among them.
fn needed(path: &str, found: &mut BTreeSet<String>) {
    if !found.insert(path.to_owned()) {
        return;
    }
    let all = sources();
    let (_, text) = all.iter().find(|(name, _)| name == path).unwrap();
    for (before, after) in [("from '", "'"), ("import '", "'"), ("from\"", "\"")] {
        for other in between(text, before, after) {
            needed(&beside(path, other), found);
        }
    }
}

#[test]
fn what_a_page_cannot_start_without_is_fetched_at_once() {
    for (page, text) in own(".html") {
        let preload = "<link rel=\"modulepreload\" href=\"{{assets}}/";
        let preloaded: BTreeSet<_> = between(&text, preload, "\"")
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut wanted = BTreeSet::new();
        for start in between(&text, "<script type=\"module\" src=\"{{assets}}/", "\"") {
            needed(start, &mut wanted);
        }
        assert_eq!(preloaded, wanted, "{page}");
    }
}

#[test]
fn every_library_comes_with_its_licence() {
    let libraries = sources().into_iter().filter_map(|(path, _)| {
        let name = path.strip_prefix("vendor/")?.strip_suffix(".js")?;
        Some(
            name.split_once('-')
                .map_or(name, |(name, _)| name)
                .to_owned(),
        )
    });
    for name in libraries {
        let licence = format!("vendor/{name}.LICENSE.txt");
        let found = sources().into_iter().find(|(path, _)| *path == licence);
        let (_, text) = found.unwrap_or_else(|| panic!("there is no {licence}"));
        assert!(
            text.contains("Copyright") || text.contains("Apache License"),
            "{licence}"
        );
    }
}

#[test]
fn no_page_has_a_script_or_a_style_of_its_own() {
    for (page, text) in own(".html") {
        assert!(!text.contains("<style"), "{page}");
        for tag in between(&text, "<", ">") {
            assert!(!tag.contains(" style="), "{page}: {tag}");
            assert!(!tag.contains(" on"), "{page}: {tag}");
            assert!(!tag.contains("javascript:"), "{page}: {tag}");
            assert!(
                !tag.starts_with("script") || tag.contains(" src=\"{{assets}}/"),
                "{page}: {tag}"
            );
            assert!(
                !tag.contains("=\"http") || tag.contains("http-equiv"),
                "{page}: {tag}"
            );
        }
    }
}

#[test]
fn no_script_makes_code_or_markup_of_a_text() {
    for (module, text) in own(".js") {
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ] {
            assert!(!text.contains(way), "{module} uses {way}");
        }
    }
}

#[test]
fn scripts_are_short_and_every_one_can_be_read_at_once() {
    for (module, text) in own(".js") {
        let lines = text.lines().count();
        assert!(lines <= 300, "{module} has {lines} lines");
    }
}
