"""Layout, rendering and events of the page's tabs."""
