"""Tables in files as spreadsheets and other tools write them; knows no record."""
