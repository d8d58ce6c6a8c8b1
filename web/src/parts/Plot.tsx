import { useElementSize } from '@mantine/hooks';
import { useId, useState } from 'react';

export interface Line {
  name: string;
  color: string;
  /** One value for each place; null: a gap. */
  values: (number | null)[];
}

const WIDTH_MIN = 240;
const HEIGHT = 170;
const LEFT = 46;
const BOTTOM = 20;
export const HUES = ['#1971c2', '#e8590c', '#2f9e44', '#9c36b5', '#c92a2a', '#0b7285'];

interface Props {
  lines: Line[];
  labels: string[];
  title: string;
  /** Only whole numbers, such as counts. */
  whole?: boolean;
}

/** Lines over places, with their numbers as a table for whoever cannot see lines. */
export function Plot({ lines, labels, title, whole }: Props) {
  const { ref, width: seen } = useElementSize();
  const width = Math.max(WIDTH_MIN, Math.round(seen));
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const id = useId();
  const all = lines.flatMap((line) => line.values.filter((v): v is number => v !== null));
  const low = Math.min(...all, 0);
  const high = Math.max(...all, whole ? 1 : low + 1e-9);
  const n = labels.length;
  const x = (i: number) => LEFT + (n < 2 ? 0 : (i / (n - 1)) * (width - LEFT - 8));
  const y = (v: number) => 8 + (1 - (v - low) / (high - low || 1)) * (HEIGHT - BOTTOM - 8);
  const raw = [0, 1, 2, 3].map((i) => low + ((high - low) * i) / 3);
  const ticks = whole ? [...new Set(raw.map(Math.round))] : raw;
  const shown = at ?? n - 1;
  return (
    <figure className="plot" aria-labelledby={id} ref={ref}>
      <figcaption id={id}>
        <b className="small">{title}</b>
        <span className="plot-legend">
          {lines.map((line) => (
            <span key={line.name}>
              <i style={{ background: line.color }} aria-hidden />
              {line.name} <span className="num dim">{short(line.values[shown] ?? null)}</span>
            </span>
          ))}
          <button type="button" className="textual" onClick={() => setAsTable(!asTable)}>
            {asTable ? 'as a picture' : 'as a table'}
          </button>
        </span>
      </figcaption>
      {asTable ? (
        <div className="scroll plot-table" tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th />
                {lines.map((line) => (
                  <th key={line.name}>{line.name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels.map((label, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a place is what it is
                <tr key={i}>
                  <th scope="row">{label}</th>
                  {lines.map((line) => (
                    <td className="num" key={line.name}>
                      {short(line.values[i] ?? null)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <svg
          width={width}
          height={HEIGHT}
          viewBox={`0 0 ${width} ${HEIGHT}`}
          role="img"
          aria-label={`${title}: ${lines.map((l) => `${l.name} ${short(l.values.at(-1) ?? null)}`).join(', ')}`}
          onMouseLeave={() => setAt(null)}
          onMouseMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            const px = ((event.clientX - box.left) / box.width) * width;
            setAt(Math.max(0, Math.min(n - 1, Math.round(((px - LEFT) / (width - LEFT - 8)) * (n - 1)))));
          }}
        >
          {ticks.map((tick) => (
            <g key={tick}>
              <line x1={LEFT} x2={width - 8} y1={y(tick)} y2={y(tick)} className="plot-rule" />
              <text x={LEFT - 6} y={y(tick) + 3} textAnchor="end">
                {short(tick)}
              </text>
            </g>
          ))}
          {[0, Math.floor((n - 1) / 2), n - 1].map((i, k) => (
            <text
              // biome-ignore lint/suspicious/noArrayIndexKey: three fixed places
              key={k}
              x={x(i)}
              y={HEIGHT - 4}
              textAnchor={k === 0 ? 'start' : k === 1 ? 'middle' : 'end'}
            >
              {labels[i]}
            </text>
          ))}
          {lines.map((line) => (
            <path
              key={line.name}
              d={pathOf(line.values, x, y)}
              stroke={line.color}
              fill="none"
              strokeWidth={1.8}
            />
          ))}
          {at !== null && <line x1={x(at)} x2={x(at)} y1={8} y2={HEIGHT - BOTTOM} className="plot-cursor" />}
          {at !== null && (
            <text x={x(at)} y={HEIGHT - 4} textAnchor="middle" className="plot-at">
              {labels[at]}
            </text>
          )}
        </svg>
      )}
    </figure>
  );
}

function pathOf(values: (number | null)[], x: (i: number) => number, y: (v: number) => number): string {
  let pen = false;
  let path = '';
  values.forEach((value, i) => {
    if (value === null) {
      pen = false;
      return;
    }
    path += `${pen ? 'L' : 'M'}${x(i).toFixed(1)},${y(value).toFixed(1)}`;
    pen = true;
  });
  return path;
}

export function short(value: number | null): string {
  if (value === null) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1);
  if (size >= 1000) return `${(value / 1000).toFixed(1)}k`;
  return String(Number(value.toPrecision(3)));
}
