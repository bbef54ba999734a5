//! XML as far as PSKC needs it: a small tree of bounded size and depth, without DTD, entities and processing instructions.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use zeroize::Zeroizing;

use super::PskcError;

/// Deepest nesting; the deepest of RFC 6030's own examples is 9.
const MAX_DEPTH: usize = 24;
/// Most elements: a hundred for each of the tokens that are taken at once.
const MAX_ELEMENTS: usize = 1_000_000;

/// An element. Its text may be a secret and is wiped.
#[derive(Default)]
pub(super) struct Element {
    /// The namespace, or empty.
    pub(super) space: String,
    /// The name without prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    text: Zeroizing<String>,
    pub(super) children: Vec<Element>,
}

impl std::fmt::Debug for Element {
    /// Nothing of what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Element({}, {} children)", self.name, self.children.len())
    }
}

impl Element {
    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The child at the end of a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// An attribute, by its name without prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The text, without space around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Element, PskcError> {
    let syntax = |_| PskcError::Xml;
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let (space, event) = reader.read_resolved_event().map_err(syntax)?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= MAX_DEPTH || elements > MAX_ELEMENTS || root.is_some() {
                    return Err(PskcError::TooMuch);
                }
                open.push(element(&space, &start)?);
            }
            Event::End(_) => {
                let done = open.pop().ok_or(PskcError::Xml)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(piece) => add(&mut open, &piece)?,
            Event::CData(piece) => add(&mut open, &piece)?,
            Event::GeneralRef(name) => {
                let known = match &*name {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => name.resolve_char_ref().map_err(|_| PskcError::Xml)?,
                };
                // Entities of one's own make small files large, and read files that are not theirs.
                let known = known.ok_or(PskcError::Entity)?;
                add(&mut open, known.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(PskcError::Doctype),
            Event::PI(_) => return Err(PskcError::Entity),
            Event::Comment(_) | Event::Decl(_) => {}
            Event::Empty(_) => return Err(PskcError::Xml),
            Event::Eof => break,
        }
    }
    root.filter(|_| open.is_empty()).ok_or(PskcError::Xml)
}

fn add(open: &mut [Element], text: &str) -> Result<(), PskcError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches([' ', '\t', '\r', '\n', '\u{feff}']).is_empty() => {}
        None => return Err(PskcError::Xml),
    }
    Ok(())
}

fn element(space: &ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Element, PskcError> {
    let space = match space {
        ResolveResult::Bound(space) => space.as_ref().to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return Err(PskcError::Xml),
    };
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| PskcError::Xml)?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|_| PskcError::Entity)?;
        attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { space, name: start.local_name().as_ref().to_owned(), attributes, ..Element::default() })
}
