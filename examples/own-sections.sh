#!/usr/bin/env bash
# From your own sections to a draft movie: a recipe to copy and change.
#
#   examples/own-sections.sh SECTIONS OUT Z Y X
#   examples/own-sections.sh scans/mouse01 mouse01 50um 0.65um 0.65um
#
# SECTIONS is a folder of TIFF, PNG or JPEG pictures, one for each section, with a number in their names; grey, aligned,
# and all of one size. Z is the distance between sections, Y and X between rows and columns.
set -euo pipefail
[ $# -eq 5 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
sections=$1 out=$2
shift 2

mkdir -p "$out"

# 1. One file with all resolutions. Every section is checked first; what is missing or damaged is named.
#    Some of a folder:   stackreel convert "$sections/*_ch00.tif" …
#    Raw files:          --shape ROWS COLUMNS --dtype uint16
#    Angles, labels:     --kind axial --period 180     --kind label
[ -e "$out/brain.h5" ] || stackreel convert "$sections" "$out/brain.h5" --spacing "$@"
stackreel info "$out/brain.h5"

# 2. A movie file with colours and opacities picked from the histogram. From here on it is yours: edit it.
[ -e "$out/movie.yaml" ] || stackreel new "$out/brain.h5" -o "$out/movie.yaml"

# 3. The movie on one page, and a draft. Both again after every edit; only what has changed is rendered.
stackreel sheet "$out/movie.yaml" -o "$out/sheet.png" --overwrite
stackreel render "$out/movie.yaml" -o "$out/draft.mp4" --draft --overwrite
echo "when the draft is right: stackreel render $out/movie.yaml -o $out/movie.mp4"
