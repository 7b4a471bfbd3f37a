//! Compiles the published events: `proto/` to code and to a descriptor set, without `protoc`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use protox::Compiler;
use protox::prost::Message;

/// The folder that import paths start from.
const ROOT: &str = "../../proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let files = proto_files(Path::new(ROOT))?;

    let mut compiler = Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let documented = compiler.file_descriptor_set();
    // Without comments and positions: only a change of the language changes the committed set.
    let bare = compiler.include_source_info(false).file_descriptor_set();

    fs::write(out.join("descriptor.binpb"), bare.encode_to_vec())?;
    prost_build::Config::new().out_dir(&out).compile_fds(documented)?;
    Ok(())
}

/// Every `.proto` file below `folder`, in a fixed order.
fn proto_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(proto_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
