// ImageJ's threshold and watershed, as a user counts cells by its menus. The argument is a text file: the smallest area of a
// cell in px, then a line for each image, with a tab between its path and that of the label image to write.
lines = split(File.openAsString(getArgument()), "\n");
setBatchMode(true);
setOption("BlackBackground", true);
for (i = 1; i < lines.length; i++) {
    paths = split(lines[i], "\t");
    open(paths[0]);
    run("8-bit");
    run("Median...", "radius=2");
    setAutoThreshold("Otsu");
    run("Convert to Mask");
    run("Fill Holes");
    run("Watershed");
    run("Analyze Particles...", "size=" + lines[0] + "-Infinity pixel show=[Count Masks] clear");
    saveAs("Tiff", paths[1]);
    run("Close All");
}
