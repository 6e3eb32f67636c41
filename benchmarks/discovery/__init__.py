"""Word discovery: quality of the ranked words, time and memory as the text grows."""
