export default { layout: "issue.njk", permalink: (data) => `/issues/${data.slug}/index.html` };
