//! The `errtally` program: everything is in the library.

fn main() -> std::process::ExitCode {
    errtally::cli::main()
}
