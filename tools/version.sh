#!/bin/sh
# Prints the version written in include/viso/version.h.
sed -n 's/^#define VISO_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$(dirname "$0")/../include/viso/version.h" | paste -sd.
