//! Reads Rust source and says which module knows which: every path of its code, followed through
//! `use` declarations and re-exports to the module that defines the name. Tests do not count.
//!
//! A path is written as seen from the library: `tui::model`. The program's own modules are below
//! `main`, those of other crates begin with `::`, as in `::std::fs`; the root of the library is `lib`.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, mem};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Token, UseTree};

/// How the program names the library.
const LIBRARY: &str = "k3s_ha_wizard";
/// More re-exports in a row than there are: two modules re-export each other.
const MOST_HOPS: usize = 10;

/// One module that knows another one, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The module, which for one that is a file says the file.
    pub from: String,
    pub file: String,
    pub line: usize,
    /// What it knows: a module, or something in one.
    pub to: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (&self.file, self.line);
        write!(f, "src/{file}:{line}: {} → {}", self.from, self.to)
    }
}

/// The segments of a path. As it is written, it may begin with `crate`, `self`, `super`, or an empty
/// one for a leading `::`. When it is resolved, the first one is the crate: `crate` for the library,
/// `main` for the program, empty for any other.
type Segments = Vec<String>;

enum Name {
    /// Defined in the module.
    Item,
    /// Brought into it from there.
    Use(Segments),
}

struct Module {
    file: String,
    items: Vec<Item>,
    names: BTreeMap<String, Name>,
    globs: Vec<Segments>,
}

impl Module {
    fn take(&mut self, item: Item) {
        if let Item::Use(item) = &item {
            for leaf in leaves(item) {
                match leaf.name {
                    Some(name) => drop(self.names.insert(name, Name::Use(leaf.path))),
                    None => self.globs.push(leaf.path),
                }
            }
        }
        let defined = defines(&item).map(|name| (name, Name::Item));
        self.names.extend(defined);
        self.items.push(item);
    }
}

/// The modules of the library and of the program.
pub struct Modules(BTreeMap<Segments, Module>);

impl Modules {
    /// Of these files, each with its path below `src`, all that `lib.rs` and `main.rs` declare.
    pub fn of(files: &BTreeMap<String, String>) -> Self {
        let mut modules = Self(BTreeMap::new());
        for (root, file) in [("crate", "lib.rs"), ("main", "main.rs")] {
            if files.contains_key(file) {
                modules.read(files, vec![root.to_owned()], file, "");
            }
        }
        modules
    }

    /// Reads a file. Those of its modules are in a folder: its path, with the last `/`.
    fn read(&mut self, files: &BTreeMap<String, String>, at: Segments, file: &str, folder: &str) {
        let code = syn::parse_file(&files[file]).unwrap_or_else(|why| panic!("{file}: {why}"));
        self.add(files, at, file, folder, code.items);
    }

    fn add(
        &mut self,
        files: &BTreeMap<String, String>,
        at: Segments,
        file: &str,
        folder: &str,
        items: Vec<Item>,
    ) {
        let mut module = Module {
            file: file.to_owned(),
            items: Vec::new(),
            names: BTreeMap::new(),
            globs: Vec::new(),
        };
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            let Item::Mod(inner) = item else {
                module.take(item);
                continue;
            };
            let name = inner.ident.to_string();
            let at = child(&at, &name);
            let below = format!("{folder}{name}/");
            if let Some((_, items)) = inner.content {
                self.add(files, at, file, &below, items);
            } else {
                let mut places =
                    [format!("{folder}{name}.rs"), format!("{below}mod.rs")].into_iter();
                let place = places.find(|place| files.contains_key(place));
                let place = place.unwrap_or_else(|| panic!("{file}: no file of module {name}"));
                self.read(files, at, &place, &below);
            }
        }
        self.0.insert(at, module);
    }

    /// Every module, as paths are written.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.keys().map(|path| written(path)).collect()
    }

    /// Every arrow to another module, once a line.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (at, module) in &self.0 {
            let mut reader = Reader {
                modules: self,
                at,
                file: &module.file,
                blocks: Vec::new(),
                arrows: &mut arrows,
            };
            for item in &module.items {
                reader.visit_item(item);
            }
        }
        arrows
    }

    /// What a path that is written in a module means. `hops` are the modules on the way whose `use`
    /// was followed.
    fn resolve(&self, at: &[String], path: &[String], hops: &mut Vec<Segments>) -> Segments {
        let Some((first, rest)) = path.split_first() else {
            return at.to_vec();
        };
        match first.as_str() {
            "" => path.to_vec(),
            "crate" => self.walk(at[..1].to_vec(), rest, hops),
            "self" => self.walk(at.to_vec(), rest, hops),
            "super" => self.walk(at.to_vec(), path, hops),
            LIBRARY => self.walk(vec!["crate".to_owned()], rest, hops),
            _ if self.knows(at, first, hops) => self.walk(at.to_vec(), path, hops),
            _ => [&[String::new()], path].concat(),
        }
    }

    /// What a path means that goes on from a module.
    fn walk(&self, mut at: Segments, path: &[String], hops: &mut Vec<Segments>) -> Segments {
        for (place, segment) in path.iter().enumerate() {
            if segment == "super" {
                at.pop();
                continue;
            }
            let inner = child(&at, segment);
            if self.0.contains_key(&inner) {
                at = inner;
                continue;
            }
            let Some(from) = self.used(&at, segment, hops) else {
                return [&at, &path[place..]].concat();
            };
            hops.push(at.clone());
            return self.resolve(&at, &[&from, &path[place + 1..]].concat(), hops);
        }
        at
    }

    /// The path by which a name was brought into a module.
    fn used(&self, at: &[String], name: &str, hops: &[Segments]) -> Option<Segments> {
        let module = self.0.get(at).filter(|_| hops.len() < MOST_HOPS)?;
        match module.names.get(name) {
            Some(Name::Use(from)) => Some(from.clone()),
            Some(Name::Item) => None,
            None => {
                let mut globs = module.globs.iter();
                let from = globs.find(|from| self.gives(at, from, name, hops))?;
                Some(child(from, name))
            }
        }
    }

    /// Whether `use from::*` in a module brings a name.
    fn gives(&self, at: &[String], from: &[String], name: &str, hops: &[Segments]) -> bool {
        let mut hops = [hops, &[at.to_vec()]].concat();
        let from = self.resolve(at, from, &mut hops);
        from != at && self.knows(&from, name, &hops)
    }

    /// Whether a name means something in a module.
    fn knows(&self, at: &[String], name: &str, hops: &[Segments]) -> bool {
        let module = self.0.get(at);
        module.is_some_and(|module| module.names.contains_key(name))
            || self.0.contains_key(&child(at, name))
            || self.used(at, name, hops).is_some()
    }

    /// The module that a path is in, or is.
    fn module_of<'a>(&self, path: &'a [String]) -> &'a [String] {
        let lengths = (0..=path.len()).rev();
        let mut modules = lengths.map(|length| &path[..length]);
        modules
            .find(|path| self.0.contains_key(*path))
            .unwrap_or_default()
    }
}

fn child(at: &[String], name: &str) -> Segments {
    [at, &[name.to_owned()]].concat()
}

fn written(path: &[String]) -> String {
    match path {
        [root] if root == "crate" => "lib".to_owned(),
        [root, rest @ ..] if root == "crate" => rest.join("::"),
        path => path.join("::"),
    }
}

/// Finds the paths in the code of a module.
struct Reader<'a> {
    modules: &'a Modules,
    at: &'a [String],
    file: &'a str,
    /// What the blocks around bring into scope, the innermost last.
    blocks: Vec<BTreeMap<String, Name>>,
    arrows: &'a mut BTreeSet<Arrow>,
}

impl Reader<'_> {
    /// A path was found.
    fn found(&mut self, path: &[String], line: usize) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let in_block = self.blocks.iter().rev().find_map(|names| names.get(first));
        let path = match in_block {
            Some(Name::Item) => return,
            Some(Name::Use(from)) => [from, rest].concat(),
            None => path.to_vec(),
        };
        let mut hops = Vec::new();
        let end = self.modules.resolve(self.at, &path, &mut hops);
        for to in hops.iter().chain([&end]) {
            let module = self.modules.module_of(to);
            if module != self.at {
                self.arrows.insert(Arrow {
                    from: written(self.at),
                    file: self.file.to_owned(),
                    line,
                    to: written(to),
                });
            }
        }
    }

    /// One name: only a glob can have brought it from elsewhere without saying so.
    fn found_name(&mut self, name: &str, line: usize) {
        let in_block = self.blocks.iter().any(|names| names.contains_key(name));
        let module = &self.modules.0[self.at];
        if !in_block && !module.names.contains_key(name) {
            let from = self.modules.used(self.at, name, &[]);
            from.inspect(|from| self.found(from, line));
        }
    }

    /// The paths in what a macro is given, code or not.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Segments = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.found_in_tokens(&mem::take(&mut path), line);
                        line = line_of(name.span());
                    } else if path.is_empty() {
                        path.push(String::new());
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.found_in_tokens(&mem::take(&mut path), line);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.found_in_tokens(&path, line);
    }

    fn found_in_tokens(&mut self, path: &[String], line: usize) {
        match path {
            [name] if name.starts_with(char::is_uppercase) => self.found_name(name, line),
            [] | [_] => (),
            path => self.found(path, line),
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let mut names = BTreeMap::new();
        for statement in &block.stmts {
            match statement {
                syn::Stmt::Item(Item::Use(item)) => {
                    let leaves = leaves(item).into_iter();
                    names
                        .extend(leaves.filter_map(|leaf| Some((leaf.name?, Name::Use(leaf.path)))));
                }
                syn::Stmt::Item(item) => names.extend(defines(item).map(|name| (name, Name::Item))),
                _ => (),
            }
        }
        self.blocks.push(names);
        visit::visit_block(self, block);
        self.blocks.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for leaf in leaves(item) {
            self.found(&leaf.path, leaf.line);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let line = path
            .segments
            .first()
            .map_or(0, |first| line_of(first.ident.span()));
        let all: Segments = path
            .leading_colon
            .iter()
            .map(|_| String::new())
            .chain(&mut segments)
            .collect();
        match &all[..] {
            [name] => self.found_name(name, line),
            [first, ..] if first == "Self" => (),
            all => self.found(all, line),
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        match call.path.get_ident() {
            // Of the standard library, where no other one is in scope.
            Some(name) if !self.modules.knows(self.at, &name.to_string(), &[]) => {
                let path = ["", "std", &name.to_string()].map(str::to_owned);
                self.found(&path, line_of(name.span()));
            }
            _ => self.visit_path(&call.path),
        }
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        // Documentation may name what it likes.
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}

fn line_of(span: Span) -> usize {
    span.start().line
}

/// What one `use` declaration brings: `name` is none for a glob.
struct Leaf {
    path: Segments,
    name: Option<String>,
    line: usize,
}

fn leaves(item: &syn::ItemUse) -> Vec<Leaf> {
    fn add(tree: &UseTree, before: &[String], leaves: &mut Vec<Leaf>) {
        let mut leaf = |ident: &syn::Ident, name: Option<&syn::Ident>| {
            let path = match ident.to_string().as_str() {
                "self" if !before.is_empty() => before.to_vec(),
                ident => child(before, ident),
            };
            let own = path.last().cloned();
            let name = name.map_or(own, |name| Some(name.to_string()));
            let line = line_of(ident.span());
            leaves.push(Leaf { path, name, line });
        };
        match tree {
            UseTree::Path(path) => add(&path.tree, &child(before, &path.ident.to_string()), leaves),
            UseTree::Name(name) => leaf(&name.ident, None),
            UseTree::Rename(rename) => leaf(&rename.ident, Some(&rename.rename)),
            UseTree::Glob(glob) => leaves.push(Leaf {
                path: before.to_vec(),
                name: None,
                line: line_of(glob.star_token.spans[0]),
            }),
            UseTree::Group(group) => {
                for tree in &group.items {
                    add(tree, before, leaves);
                }
            }
        }
    }
    let before: Segments = item.leading_colon.iter().map(|_| String::new()).collect();
    let mut leaves = Vec::new();
    add(&item.tree, &before, &mut leaves);
    leaves
}

/// The name that an item has in its module.
fn defines(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether only a build of the tests, or of the fuzz targets, has it.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    fn needs_test(condition: &syn::Meta) -> bool {
        let parts = |list: &syn::MetaList| {
            let parts = list.parse_args_with(Punctuated::<syn::Meta, Token![,]>::parse_terminated);
            parts.map_or(Vec::new(), |parts| parts.into_iter().collect())
        };
        match condition {
            syn::Meta::Path(path) => path.is_ident("test") || path.is_ident("fuzzing"),
            syn::Meta::List(list) if list.path.is_ident("all") => {
                parts(list).iter().any(needs_test)
            }
            syn::Meta::List(list) if list.path.is_ident("any") => {
                parts(list).iter().all(needs_test)
            }
            _ => false,
        }
    }
    attributes.iter().any(|attribute| {
        let condition = attribute.parse_args::<syn::Meta>();
        attribute.path().is_ident("cfg") && condition.is_ok_and(|condition| needs_test(&condition))
    })
}
