import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Slipway opens WebSockets to pages of its own origin only, unless a setting allows others. */
const slipway = {
  target: 'http://127.0.0.1:8080',
  changeOrigin: true,
  ws: true,
  rewriteWsOrigin: true,
};

export default defineConfig({
  plugins: [react()],
  server: { proxy: { '/graphql': slipway } },
});
