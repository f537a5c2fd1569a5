#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A linker's name for hl-link; see guest-sdk/link/hl-link.c.
exec "${0%/*}/../hl-link" "${0##*/}" "$@"
