# rbc-overlap in a container: docker build -t rbc-overlap . ; README.md shows how to run it
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir /src && rm -r /src
ENV HOME=/tmp
WORKDIR /work
ENTRYPOINT ["rbc-overlap"]
CMD ["--help"]
