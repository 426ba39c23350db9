//! A folder as a list of hashes: an iroh-blobs collection. Its hash is that of the links, 32 bytes each;
//! the first links to the names, the others to the files in the order of their names.

use std::path::Path;

use cc_proto::files::{EntryError, EntryPaths};
use cc_proto::limits::{FOLDER_FILES_MAX, FOLDER_LIST_BYTES_MAX};
use iroh_blobs::Hash;
use iroh_blobs::format::collection::{Collection, CollectionMeta};

use super::place::write_private;

/// Most bytes of links.
pub const LINKS_BYTES_MAX: u64 = (FOLDER_FILES_MAX as u64 + 1) * LINK_BYTES as u64;
const LINK_BYTES: usize = 32;
/// Where the links are kept, beside the folder.
const LINKS_FILE: &str = ".links";
/// Where the names are kept.
const NAMES_FILE: &str = ".names";

/// What is in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderList {
    links: Vec<u8>,
    names: Vec<u8>,
    /// Each file's path below the folder, safe on any system, and its hash.
    pub files: Vec<(String, Hash)>,
}

/// Why a list of hashes is no folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not what its hash says.
    #[error("the folder's list is damaged")]
    Damaged,
    /// It is no list.
    #[error("what was announced as a folder is none")]
    NoFolder,
    /// Its names take too much.
    #[error(
        "the names of the folder's files are longer than {FOLDER_LIST_BYTES_MAX} bytes together"
    )]
    Names,
    /// Too many files, or too deep.
    #[error(transparent)]
    Entries(#[from] EntryError),
    /// It could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl FolderList {
    /// The list of these files.
    ///
    /// # Errors
    /// [`FolderError::Names`].
    pub fn of(files: Vec<(String, Hash)>) -> Result<Self, FolderError> {
        let collection: Collection = files.iter().cloned().collect();
        let mut blobs = collection.to_blobs();
        let (Some(names), Some(links)) = (blobs.next(), blobs.next()) else {
            return Err(FolderError::NoFolder);
        };
        if names.len() > FOLDER_LIST_BYTES_MAX {
            return Err(FolderError::Names);
        }
        Ok(Self {
            links: links.to_vec(),
            names: names.to_vec(),
            files,
        })
    }

    /// Reads a list that somebody made.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn decode(root: &Hash, links: Vec<u8>, names: Vec<u8>) -> Result<Self, FolderError> {
        let mut hashes = links_in(&links).ok_or(FolderError::NoFolder)?.into_iter();
        let first = hashes.next().ok_or(FolderError::NoFolder)?;
        if Hash::new(&links) != *root || Hash::new(&names) != first {
            return Err(FolderError::Damaged);
        }
        if names.len() > FOLDER_LIST_BYTES_MAX {
            return Err(FolderError::Names);
        }
        let meta: CollectionMeta =
            postcard::from_bytes(&names).map_err(|_| FolderError::NoFolder)?;
        if !meta.check_header() || meta.names().len() != hashes.len() || hashes.len() == 0 {
            return Err(FolderError::NoFolder);
        }
        let mut paths = EntryPaths::new();
        let files: Result<Vec<_>, EntryError> = meta
            .names()
            .iter()
            .zip(hashes)
            .map(|(name, hash)| Ok((paths.place(name)?, hash)))
            .collect();
        let files = files?;
        Ok(Self {
            links,
            names,
            files,
        })
    }

    /// The hash by which the folder is announced.
    pub fn root(&self) -> Hash {
        Hash::new(&self.links)
    }

    /// The hash of the names.
    pub fn names_hash(&self) -> Hash {
        Hash::new(&self.names)
    }

    /// Writes it beside the folder, into `place`. Blocking.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, place: &Path) -> std::io::Result<()> {
        write_private(&place.join(LINKS_FILE), &self.links)?;
        write_private(&place.join(NAMES_FILE), &self.names)
    }

    /// Reads it from beside the folder. Blocking.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn read(place: &Path, root: &Hash) -> Result<Self, FolderError> {
        let links = std::fs::read(place.join(LINKS_FILE))?;
        let names = std::fs::read(place.join(NAMES_FILE))?;
        Self::decode(root, links, names)
    }

    /// Where links and names are, beside the folder.
    pub fn paths(place: &Path) -> [std::path::PathBuf; 2] {
        [place.join(LINKS_FILE), place.join(NAMES_FILE)]
    }

    /// The hashes that a folder's links name, as far as they can be read beside it. Blocking.
    pub fn linked(place: &Path) -> Vec<Hash> {
        let links = std::fs::read(place.join(LINKS_FILE)).unwrap_or_default();
        links_in(&links).unwrap_or_default()
    }
}

/// Whether so many bytes can be links to names and at least one file.
pub fn is_links_len(bytes: u64) -> bool {
    let link = LINK_BYTES as u64;
    bytes.is_multiple_of(link) && (2 * link..=LINKS_BYTES_MAX).contains(&bytes)
}

/// The hashes in links; none where those are not whole, or too many.
pub fn links_in(links: &[u8]) -> Option<Vec<Hash>> {
    if links.len() as u64 > LINKS_BYTES_MAX || !links.len().is_multiple_of(LINK_BYTES) {
        return None;
    }
    let hashes = links.chunks_exact(LINK_BYTES).map(|link| {
        let mut bytes = [0; LINK_BYTES];
        bytes.copy_from_slice(link);
        Hash::from_bytes(bytes)
    });
    Some(hashes.collect())
}
