-- From here on history may hold numbers in place of words (history-column.ts): an earlier version, which could not read
-- them, refuses the database. Rows of before stay as they are, and are read as they were.
SELECT 1;
