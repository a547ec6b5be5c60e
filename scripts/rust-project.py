# SPDX-License-Identifier: GPL-2.0
"""Adds the module's crate to the kernel's rust-project.json.

    rust-project.py KERNEL_JSON TOP OUTPUT_DIRECTORY KERNEL_BUILD > rust-project.json

The kernel's generator finds the crates of an external module only where a
Makefile lies beside the root file; here Kbuild lies one directory above.
"""

import json
import sys


def main(source, top, out, kdir):
    with open(source, encoding="utf-8") as file:
        project = json.load(file)
    crates = project["crates"]
    index = {crate["display_name"]: at for at, crate in enumerate(crates)}
    kernel = crates[index["kernel"]]
    names = ("core", "kernel", "pin_init", "zerocopy", "zerocopy_derive", "bindings", "ffi", "macros",
             "build_error", "uapi")
    crates.append({
        "display_name": "flowbucket",
        "root_module": f"{top}/rust/flowbucket.rs",
        "edition": "2021",
        "is_workspace_member": True,
        "deps": [{"crate": index[name], "name": name} for name in names if name in index],
        "cfg": kernel["cfg"] + ["MODULE"],
        "env": {
            "RUST_MODFILE": f"{out}/flowbucket.mod",
            "OBJTREE": kdir,
            "FLOWBUCKET_BINDINGS": f"{out}/rust/bindings/bindings_generated.rs",
        },
        "source": {"include_dirs": [f"{top}/rust", f"{out}/rust"], "exclude_dirs": []},
    })
    json.dump(project, sys.stdout, indent=4)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
