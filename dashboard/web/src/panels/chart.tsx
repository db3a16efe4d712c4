import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clock } from '../clock';
import { clockTime, metric, tick } from '../format';
import { runs, type History } from '../history';
import { LEVEL_NAMES, Level, levelOf, stateWord } from '../state';
import { dark } from '../theme';

const REDRAW_MS = 250; // four times a second is as often as anyone can see
const HEIGHT = 190;
const STRIP = 8; // height of the state strip below the line, CSS pixels

// Chart draws the history of one series: the metric as a line that breaks where the series was silent, and
// the states as a strip below and a tint behind. The chart is updated, never rebuilt, while it is shown.
// version is the history's, so that the words for screen readers follow it.
export function Chart({ history, span, version }: { history: History; span: number; version: number }) {
  const place = useRef<HTMLDivElement>(null);
  const isDark = dark.value;

  useEffect(() => {
    const div = place.current!;
    const colours = readColours(div);
    const plot = new uPlot(options(div.clientWidth, colours, () => history), [[], []], div);
    let drawn = -1;
    let drawnTo = 0;
    const draw = () => {
      const now = clock.now() / 1000;
      if (history.version === drawn && now - drawnTo < 1) return;
      drawn = history.version;
      drawnTo = now;
      plot.batch(() => {
        plot.setData([history.x, history.y] as uPlot.AlignedData, false);
        plot.setScale('x', { min: now - span, max: now });
      });
    };
    draw();
    const timer = setInterval(draw, REDRAW_MS);
    const o = new ResizeObserver(() => plot.setSize({ width: div.clientWidth, height: HEIGHT }));
    o.observe(div);
    return () => {
      clearInterval(timer);
      o.disconnect();
      plot.destroy();
    };
  }, [history, span, isDark]);

  const last = history.y[history.y.length - 1] ?? null;
  return (
    <div
      ref={place}
      class="chart"
      role="img"
      data-version={version}
      aria-label={`Metric over the last ${Math.round(span / 60)} minutes, ${history.x.length} points, now ${last === null ? 'none' : metric(last)}`}
    />
  );
}

interface Colours {
  line: string;
  fill: string;
  grid: string;
  text: string;
  levels: Record<Level, string>;
}

// readColours takes the colours from the style sheet; a canvas cannot.
function readColours(inside: HTMLElement): Colours {
  const probe = document.createElement('i');
  inside.append(probe);
  const read = (name: string) => {
    probe.className = `probe probe-${name}`;
    return getComputedStyle(probe).color;
  };
  const levels = {} as Record<Level, string>;
  for (const l of [Level.None, Level.Ok, Level.Other, Level.Unknown, Level.Warning, Level.Silent, Level.Critical]) {
    levels[l] = read(LEVEL_NAMES[l]);
  }
  const colours = { line: read('line'), fill: read('fill'), grid: read('grid'), text: read('text'), levels };
  probe.remove();
  return colours;
}

function options(width: number, c: Colours, history: () => History): uPlot.Options {
  const axis = { stroke: c.text, font: '11px Inter, system-ui, sans-serif', grid: { stroke: c.grid, width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [10, 6, 0, 0],
    legend: { show: true, live: true },
    cursor: { y: false, points: { size: 7 } },
    scales: { x: { time: true }, y: { range: rangeOf } },
    axes: [
      { ...axis, gap: STRIP + 3, size: 32, space: 76, values: (_, ticks, __, ___, step) => ticks.map((t) => timeLabel(t, step)) },
      { ...axis, size: 46, gap: 4, space: 34, values: (_, ticks) => ticks.map((t) => tick(t)) },
    ],
    series: [
      { label: 'time', value: (_, t) => (t === null ? '–' : clockTime(t * 1000)) },
      {
        label: 'metric',
        stroke: c.line,
        fill: c.fill,
        width: 1.75,
        spanGaps: false,
        points: { size: 4 },
        value: (_, v, _series, i) => {
          const state = i === null ? undefined : history().states[i];
          const m = v === null || v === undefined ? '–' : metric(v);
          return state === undefined ? m : `${m} ${stateWord(state)}`;
        },
      },
    ],
    hooks: {
      drawClear: [(u) => drawStates(u, c, history())],
      setCursor: [(u) => u.root.classList.toggle('pointed', u.cursor.idx !== null && u.cursor.idx !== undefined)],
    },
  };
}

// timeLabel leaves the seconds out where the axis is coarse.
function timeLabel(t: number, step: number): string {
  const text = clockTime(t * 1000);
  return step < 60 ? text : text.slice(0, 5);
}

// rangeOf leaves some room around the line, and does not blow up noise where all values are the same.
function rangeOf(_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [-1, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const room = (high - low) * 0.08;
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}

function drawStates(u: uPlot, c: Colours, h: History): void {
  const ctx = u.ctx;
  const px = devicePixelRatio;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  for (const run of runs(h.x, h.states, clock.now() / 1000)) {
    const level = levelOf(run.state);
    const from = Math.max(left, u.valToPos(run.from, 'x', true));
    const to = Math.min(left + width, u.valToPos(run.to, 'x', true));
    if (to <= from) continue;
    ctx.fillStyle = c.levels[level];
    if (level >= Level.Unknown) {
      ctx.globalAlpha = 0.14;
      ctx.fillRect(from, top, to - from, height);
    }
    ctx.globalAlpha = 1;
    ctx.fillRect(from, top + height + 2 * px, to - from, STRIP * px);
    if (level === Level.Silent) hatch(ctx, from, top, to - from, height, c.levels[level], px);
  }
  ctx.restore();
}

// hatch marks silence by more than its colour.
function hatch(ctx: CanvasRenderingContext2D, x: number, y: number, w: number, h: number, colour: string, px: number): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, w, h);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.globalAlpha = 0.4;
  ctx.lineWidth = px;
  ctx.beginPath();
  for (let i = -h; i < w; i += 9 * px) {
    ctx.moveTo(x + i, y + h);
    ctx.lineTo(x + i + h, y);
  }
  ctx.stroke();
  ctx.restore();
}
