"""The list page of every record type: tabs, filters, columns, paging, bulk actions."""
