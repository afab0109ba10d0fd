# Serves a model's folder: docker run --publish 127.0.0.1:5001:5001 --volume "$PWD/champion:/model:ro" IMAGE
FROM python:3.11-slim

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --constraint constraints.txt .

ENV MLFLOW_DISABLE_TELEMETRY=true
RUN useradd --create-home server
USER server
EXPOSE 5001
CMD mlflow models serve --model-uri /model --env-manager local --timeout 300 --workers 2 --host 0.0.0.0 --port 5001
