import type { ExactResult } from '../api/taskQueries';
import { size } from '../lib/words';
import { JsonView } from './JsonView';
import { HUES, Plot } from './Plot';
import { Ago } from './Times';

const PICTURES = /^image\/(png|jpeg|gif|webp|bmp|avif)$/;
const BASE64 = /^[A-Za-z0-9+/\s]+=*\s*$/;
const ROWS = 200;

type Row = Record<string, unknown>;

/** A result as what it is: a picture, a table with its curve, a list of files; else as JSON. */
export function ResultView({ result }: { result: ExactResult }) {
  const picture = pictureOf(result);
  const rows = rowsOf(result.data);
  return (
    <article className="result">
      <header>
        <h3>{result.name}</h3>
        {result.type && <span className="label">{result.type}</span>}
        {result.late && (
          <span className="chip chip-orange" title="It came when its attempt was over, and was not adopted">
            late
          </span>
        )}
        <span className="dim small">
          attempt {result.attempt}, <Ago at={result.created_at} />
        </span>
      </header>
      {picture && <img className="picture" src={picture} alt={`Result ${result.name}`} />}
      {rows && <Curves rows={rows} name={result.name} />}
      {rows && <Rows rows={rows} />}
      {!picture && !rows && result.data !== null && <JsonView value={result.exact} label="Data" />}
      {result.files.length > 0 && <Files files={result.files} />}
    </article>
  );
}

function pictureOf(result: ExactResult): string | null {
  if (!result.type || !PICTURES.test(result.type)) return null;
  const data = typeof result.data === 'string' ? result.data : (result.data as Row | null)?.['base64'];
  return typeof data === 'string' && BASE64.test(data) ? `data:${result.type};base64,${data}` : null;
}

/** A list of flat objects is a table. */
function rowsOf(data: unknown): Row[] | null {
  if (!Array.isArray(data) || data.length === 0) return null;
  const flat = data.every(
    (row) =>
      row !== null &&
      typeof row === 'object' &&
      !Array.isArray(row) &&
      Object.values(row as Row).every((v) => v === null || typeof v !== 'object'),
  );
  return flat ? (data as Row[]) : null;
}

function Curves({ rows, name }: { rows: Row[]; name: string }) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const numeric = names.filter((key) =>
    rows.every((row) => row[key] == null || typeof row[key] === 'number'),
  );
  const along = numeric.find((key) => /^(epoch|step|time|t|x|index|iteration)$/i.test(key));
  const drawn = numeric.filter((key) => key !== along).slice(0, HUES.length);
  if (rows.length < 3 || drawn.length === 0) return null;
  return (
    <Plot
      title={`${name}${along ? ` by ${along}` : ''}`}
      labels={rows.map((row, i) => String(along ? row[along] : i))}
      lines={drawn.map((key, i) => ({
        name: key,
        color: HUES[i] ?? '#868e96',
        values: rows.map((row) => (typeof row[key] === 'number' ? (row[key] as number) : null)),
      }))}
    />
  );
}

function Rows({ rows }: { rows: Row[] }) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <div className="scroll result-table" tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {names.map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS).map((row, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name
            <tr key={i}>
              {names.map((name) => (
                <td key={name} className={typeof row[name] === 'number' ? 'num' : undefined}>
                  {row[name] === undefined ? '' : String(row[name])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > ROWS && (
        <div className="dim small pad">{rows.length - ROWS} more rows are in the JSON.</div>
      )}
    </div>
  );
}

function Files({ files }: { files: Row[] }) {
  return (
    <ul className="files">
      {files.map((file, i) => {
        const uri = String(file['uri'] ?? file['url'] ?? file['path'] ?? '');
        const name = String(file['name'] ?? uri ?? 'file');
        const bytes = file['bytes'] ?? file['size'];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: files need not have names of their own
          <li key={i}>
            {/^https?:\/\//.test(uri) ? (
              <a href={uri} target="_blank" rel="noopener noreferrer">
                {name}
              </a>
            ) : (
              <b>{name}</b>
            )}
            {typeof bytes === 'number' && <span className="dim num">{size(bytes)}</span>}
            {uri && uri !== name && <span className="mono dim wrap">{uri}</span>}
          </li>
        );
      })}
    </ul>
  );
}
