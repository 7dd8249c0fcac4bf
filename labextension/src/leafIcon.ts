import { LabIcon } from '@jupyterlab/ui-components';

/** `jp-icon3` takes the theme's colour for icons. */
export const leafIcon = new LabIcon({
  name: 'nbcarbon:leaf',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M20.5 3.2C12.6 2.6 5.2 5 4.3 11.9c-.3 2.2.2 4 1.2 5.4C4 19 3.200 20.600 3 21.600l1.800.4c.3-1.200 1-2.500 2.100-3.700 1.700 1.200 3.900 1.600 6 1.200 6.800-1.200 8.300-8.700 7.600-16.300zM8.200 15.500c2-2.900 4.700-5.300 8-7.100-3.900 1.200-7.200 3.500-9.500 6.300-.5-1-.6-2.100-.4-3.300.7-4.800 5.600-6.700 12.300-6.400.2 6.200-1.200 11.600-6 12.500-1.600.2-3.200-.2-4.400-2z"/>
</svg>`
});
