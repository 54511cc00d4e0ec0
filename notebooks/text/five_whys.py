# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["about"]
# # Five whys of a hunt
#
# **Question.** What did a hunt find, and what proves it?
#
# **Needs** the directory of a finished hunt (`deadheat hunt … --out DIR`), and for the last why
# that of a hunt against a changed server. **Takes** a few seconds; it sends nothing anywhere.
# `deadheat report DIR --out report.html` runs this notebook and exports it as one page.

# %% tags=["parameters"]
hunt_directory = "../race.hunt"  # the directory of a finished hunt
comparison_directory = ""  # one of the changed server, or nothing
title = "Five whys"  # the heading of the page

# %%
from IPython.display import JSON, display

from evidence import figures, renderer, show
from evidence.case import open_case

renderer.enable()
case = open_case(hunt_directory, comparison_directory)

# %%
show.headline(case, title)

# %%
show.summary(case)

# %% [markdown]
# ## The whys
#
# Each answer leads to the next question. *Supported* and *refuted* answers rest on the runs named
# under them; an *open* one says how it could be answered.

# %%
show.whys(case)

# %% [markdown]
# ## What the runs show

# %%
display(*figures.of_the_failure(case))

# %% [markdown]
# ## What was sent, and when

# %%
display(*figures.of_the_runs(case))

# %% [markdown]
# ## The runs

# %%
show.runs(case)

# %% [markdown]
# ## Where this comes from

# %%
show.provenance(case)

# %% tags=["result"]
JSON(case.result())
