import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { environment: 'happy-dom', env: { TZ: 'UTC' }, include: ['src/**/*.test.{ts,tsx}'] },
});
