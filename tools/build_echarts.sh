#!/usr/bin/env bash
# Builds the part of Apache ECharts that the one-file report and saved pictures carry, and its licences beside it.
# Set VERSION to the release that Streamlit ships; a canary in tests/shape says when that is another one. Then run this
# and look at the charts of a report. Needs node and the npm registry.
set -euo pipefail
VERSION=6.1.0
BUNDLER=0.25.9 # esbuild

target=$(cd "$(dirname "$0")/.." && find . -name echarts.py -path '*charts*' -not -path './.*' -printf '%h\n' | head -1)
target=$(cd "$(dirname "$0")/.." && cd "$target" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y > /dev/null
npm install --no-audit --no-fund --ignore-scripts "echarts@$VERSION" "esbuild@$BUNDLER" > /dev/null
# Half of the whole library. What is drawn: bars, lines, cells and radars (comparison/charts/echarts.py), as SVG only,
# which prints sharply; a PNG is made from it by the browser.
cat > entry.js <<'JS'
import { use } from "echarts/core";
import { BarChart, HeatmapChart, LineChart, RadarChart } from "echarts/charts";
import {
  AriaComponent, AxisPointerComponent, GridComponent, LegendComponent, MarkPointComponent, RadarComponent,
  TooltipComponent, VisualMapComponent,
} from "echarts/components";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
use([
  BarChart, HeatmapChart, LineChart, RadarChart, AriaComponent, AxisPointerComponent, GridComponent, LegendComponent,
  MarkPointComponent, RadarComponent, TooltipComponent, VisualMapComponent, LabelLayout, SVGRenderer,
]);
export { init, version } from "echarts/core";
JS
banner="/*! Apache ECharts $VERSION, Copyright The Apache Software Foundation, Apache License 2.0; with zrender, Copyright (c) 2017, Baidu Inc., BSD 3-Clause. */"
npx esbuild entry.js --bundle --minify --format=iife --global-name=echarts --target=es2020 \
  --legal-comments=none --banner:js="$banner" --outfile="$target/echarts.min.js"
{
  cat node_modules/echarts/NOTICE
  printf '\n\n==== Apache ECharts ====\n\n'
  cat node_modules/echarts/LICENSE
  for part in zrender/LICENSE echarts/licenses/LICENSE-d3 tslib/LICENSE.txt; do
    printf '\n\n==== %s ====\n\n' "$part"
    cat "node_modules/$part"
  done
} > "$target/echarts.LICENSE.txt"
