// Entry in Jupyter: anywidget calls `render` with the kernel's model.
import { App } from "./core/app.js";
import { KernelSource } from "./core/kernel.js";

export default {
  render({ model, el }) {
    const app = new App(el, new KernelSource(model));
    return () => app.destroy();
  },
};
