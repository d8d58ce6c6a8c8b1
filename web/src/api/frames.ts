/** One frame of a text/event-stream; a comment alone has no data. */
export interface Frame {
  name: string;
  id: number | null;
  data: string;
}

/** Reads a stream of server-sent events to its end. EventSource cannot show who is asking. */
export async function readFrames(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (frame: Frame) => void,
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(frameOf(part));
  }
}

/** The frame that these lines make. */
export function frameOf(text: string): Frame {
  const frame: Frame = { name: 'message', id: null, data: '' };
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (field === 'id') frame.id = Number(value);
    else if (field === 'event') frame.name = value;
    else if (field === 'data') frame.data += (frame.data ? '\n' : '') + value;
  }
  return frame;
}
