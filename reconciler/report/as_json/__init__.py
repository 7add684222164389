"""Reports as JSON: everything that the text says, and everything that it leaves out.

The form is an interface with a version (`format`) and schemas, in `schemas/`. Keys have a fixed
order, and sets are sorted, so that two equal reports are equal bytes.
"""
