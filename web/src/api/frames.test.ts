import { expect, test } from 'vitest';
import { type Frame, frameOf, readFrames } from './frames';

test('a frame has a name, an id and data', () => {
  expect(frameOf('event: reset\nid: 7\ndata: {}')).toEqual({ name: 'reset', id: 7, data: '{}' });
  expect(frameOf(': here\nid: 8')).toEqual({ name: 'message', id: 8, data: '' });
});

test('frames are told apart wherever the stream is cut, also within a letter', async () => {
  const bytes = new TextEncoder().encode('id: 1\ndata: {"a":"ü"}\n\nid: 2\ndata: b\n\n');
  for (let size = 1; size < 12; size += 1) {
    const seen: Frame[] = [];
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    await readFrames(body, (frame) => seen.push(frame));
    expect(seen.map((frame) => [frame.id, frame.data])).toEqual([
      [1, '{"a":"ü"}'],
      [2, 'b'],
    ]);
  }
});
